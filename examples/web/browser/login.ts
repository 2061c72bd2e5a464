import { api } from './api.js'
import { find, leave, say } from './dom.js'
import { onSubmit } from './forms.js'

/** A `Map`: in an object, `done=constructor` would find what is no note. */
const notes = new Map([
  ['logout', 'You are logged out.'],
  ['password', 'Your password is set. Log in with it.'],
  ['email', 'Your new address counts. Log in with it.']
])

/** Where a login may lead. Anybody can write a link to the login, so `next` is none but one of these. */
const pages = ['/account', '/sessions', '/users']

const form = find<HTMLFormElement>('#login')
const query = new URLSearchParams(location.search)
say(find('.message', form), notes.get(query.get('done') ?? '') ?? '')

onSubmit(form, async ({ email, password, remember }) => {
  await api('POST', '/login/cookie', { email, password, remember: remember === 'on' })
  return await leave(pages.find((page) => page === query.get('next')) ?? '/account')
})
