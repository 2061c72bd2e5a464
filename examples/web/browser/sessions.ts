import { api, ApiError, type Session } from './api.js'
import { device } from './device.js'
import { dateAndTime, find, setTime } from './dom.js'
import { attempt, onSubmit } from './forms.js'
import { showList } from './list.js'
import { leaveSession } from './tabs.js'

const news = find('#news')

const list = await showList<Session>('/sessions', (row, session) => {
  const { name, isPhone } = device(session.userAgent)
  find('.name', row).textContent = name
  find('.badge', row).hidden = !session.current
  row.classList.toggle('phone', isPhone)
  find('.where', row).textContent = session.ip
  setTime(find('.seen', row), session.lastSeenAt)
  setTime(find('.since', row), session.createdAt)
  setTime(find('.until', row), session.expiresAt)

  const button = find<HTMLButtonElement>('button', row)
  button.ariaLabel = `End the session of ${name}, since ${dateAndTime(session.createdAt)}`
  button.onclick = () => attempt(button, news, async () => {
    await api('DELETE', `/sessions/${session.id}`).catch((error: unknown) => {
      // It has ended meanwhile, which is as good.
      if (!(error instanceof ApiError && error.code === 'SESSION_NOT_FOUND')) throw error
    })
    if (session.current) return await leaveSession('logout')
    await list.show()
    return 'The session has ended.'
  })
})

onSubmit(find('#others'), async () => {
  await api('DELETE', '/sessions')
  await list.show()
  return 'All other sessions have ended.'
}, news)
