import { api, ApiError } from './api.js'
import { find } from './dom.js'
import { onSubmit } from './forms.js'
import { takeToken } from './link.js'

const form = find<HTMLFormElement>('#verify')
const token = takeToken(form)

// Not before somebody presses the button: programs that look at mails open links by themselves.
onSubmit(form, async () => {
  await api('POST', '/verify', { token }).catch((error: unknown) => {
    if (!(error instanceof ApiError && error.code === 'VERIFY_USER_ALREADY_VERIFIED')) throw error
  })
  find('button', form).hidden = true
  return 'Thank you. Your address is verified.'
})
