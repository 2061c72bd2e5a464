import { api } from './api.js'
import { find, leave } from './dom.js'
import { onSubmit } from './forms.js'
import { takeToken } from './link.js'

const form = find<HTMLFormElement>('#reset')
const token = takeToken(form)

onSubmit(form, async ({ password }) => {
  await api('POST', '/reset-password', { token, password })
  return await leave('/login?done=password')
})
