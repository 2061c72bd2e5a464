// What all pages have in common.
import { api } from './api.js'
import { onSubmit } from './forms.js'
import { equip } from './password-field.js'
import { leaveSession } from './tabs.js'

for (const input of document.querySelectorAll<HTMLInputElement>('input[type=password]')) equip(input)

const logOut = document.querySelector<HTMLFormElement>('#log-out')
if (logOut !== null) {
  onSubmit(logOut, async () => {
    await api('POST', '/logout/cookie')
    return await leaveSession('logout')
  })
}

// A page that comes back from memory, by the back button, is what it was before a logout, say.
addEventListener('pageshow', ({ persisted }) => {
  if (persisted) location.reload()
})
