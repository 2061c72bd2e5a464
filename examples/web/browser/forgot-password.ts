import { api } from './api.js'
import { find } from './dom.js'
import { onSubmit } from './forms.js'

// The same for everybody: nobody learns here who has an account.
onSubmit(find('#forgot'), async ({ email }) => {
  await api('POST', '/forgot-password', { email })
  return 'If there is an account with this address, a mail is on its way.'
})
