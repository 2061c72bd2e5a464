import { api } from './api.js'
import { find } from './dom.js'
import { onSubmit } from './forms.js'
import { takeToken } from './link.js'
import { leaveSession } from './tabs.js'

const form = find<HTMLFormElement>('#change-email')
const token = takeToken(form)

onSubmit(form, async () => {
  await api('POST', '/change-email', { token })
  return await leaveSession('email')
})
