import { api } from './api.js'
import { find, leave } from './dom.js'
import { onSubmit } from './forms.js'
import { takeToken } from './link.js'

const form = find<HTMLFormElement>('#change-email')
const token = takeToken(form)

onSubmit(form, async () => {
  await api('POST', '/change-email', { token })
  return await leave('/login?done=email')
})
