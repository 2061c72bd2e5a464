import { leave } from './dom.js'

const tabs = new BroadcastChannel('session')

// What a page of a member shows is private still when another tab has ended the session.
if (document.body.classList.contains('member')) tabs.addEventListener('message', () => { location.reload() })

/** Goes to the login, and takes the other tabs of this browser along. */
export function leaveSession (done: 'logout' | 'password' | 'email'): Promise<never> {
  tabs.postMessage('ended')
  return leave(`/login?done=${done}`)
}
