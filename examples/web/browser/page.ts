// What all pages have in common.
import { api } from './api.js'
import { leave } from './dom.js'
import { onSubmit } from './forms.js'
import { equip } from './password-field.js'

for (const input of document.querySelectorAll<HTMLInputElement>('input[type=password]')) equip(input)

const logOut = document.querySelector<HTMLFormElement>('#log-out')
if (logOut !== null) {
  const tabs = new BroadcastChannel('session')
  // Other tabs still show what was private.
  tabs.addEventListener('message', () => { location.reload() })
  onSubmit(logOut, async () => {
    await api('POST', '/logout/cookie')
    tabs.postMessage('logged out')
    return await leave('/login?done=logout')
  })
}

// A page that comes back from memory, by the back button, is what it was before a logout, say.
addEventListener('pageshow', ({ persisted }) => {
  if (persisted) location.reload()
})
