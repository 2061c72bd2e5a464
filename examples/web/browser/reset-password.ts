import { api } from './api.js'
import { find } from './dom.js'
import { onSubmit } from './forms.js'
import { takeToken } from './link.js'
import { leaveSession } from './tabs.js'

const form = find<HTMLFormElement>('#reset')
const token = takeToken(form)

onSubmit(form, async ({ password }) => {
  await api('POST', '/reset-password', { token, password })
  return await leaveSession('password')
})
