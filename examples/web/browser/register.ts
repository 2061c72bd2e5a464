import { api } from './api.js'
import { find, leave } from './dom.js'
import { onSubmit } from './forms.js'

onSubmit(find('#register'), async ({ name, email, password }) => {
  await api('POST', '/register', { name, email, password })
  await api('POST', '/login/cookie', { email, password })
  return await leave('/account')
})
