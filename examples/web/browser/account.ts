import { api, type User } from './api.js'
import { date, find, initials, make, say, setTime } from './dom.js'
import { onSubmit, textOf } from './forms.js'

const news = find('#news')
const profile = find<HTMLFormElement>('#profile')
const emailForm = find<HTMLFormElement>('#email-form')
const passwordForm = find<HTMLFormElement>('#password-form')
const verifyAgain = find<HTMLFormElement>('#verify-again')

let user: User

try {
  show(await api<User>('GET', '/users/me'))
} catch (error) {
  say(news, textOf(error), 'bad')
}

function show (newest: User): void {
  user = newest
  const { name, email, isVerified, isSuperuser, createdAt } = user
  find('#initials').textContent = initials(name)
  find('#who').textContent = name
  find('#address').textContent = email
  find('#badges').replaceChildren(
    make('span', { className: isVerified ? 'badge good' : 'badge', textContent: isVerified ? 'Verified' : 'Not verified' }), ' ',
    ...isSuperuser ? [make('span', { className: 'badge', textContent: 'Superuser' })] : []
  )
  find<HTMLInputElement>('#name').value = name
  setTime(find('#since'), createdAt, date)
  find<HTMLInputElement>('.username').value = email
  verifyAgain.hidden = isVerified
}

onSubmit(verifyAgain, async () => {
  await api('POST', '/request-verify-token', { email: user.email })
  return 'Another mail is on its way. The older link is no good any more.'
})

onSubmit(profile, async ({ name }) => {
  show(await api<User>('PATCH', '/users/me', { name }))
  return 'Saved.'
})

onSubmit(emailForm, async ({ email, currentPassword }) => {
  show(await api<User>('PATCH', '/users/me', { email, currentPassword }))
  emailForm.reset()
  return user.email === email ? 'Saved.' : `We have mailed a link to ${email}. Your address changes when you open it.`
})

onSubmit(passwordForm, async ({ password, currentPassword }) => {
  show(await api<User>('PATCH', '/users/me', { password, currentPassword }))
  passwordForm.reset()
  return 'Your password is changed. Your other sessions have ended.'
})
