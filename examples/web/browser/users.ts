import { api, ApiError, type User } from './api.js'
import { date, find, initials, make, setTime } from './dom.js'
import { attempt, onSubmit } from './forms.js'
import { showList } from './list.js'

const news = find('#news')
const dialog = find<HTMLDialogElement>('#confirm')

const list = await showList<User>('/users', fill)

function fill (row: HTMLElement, user: User): void {
  const { name, email, isActive, isVerified, isSuperuser, createdAt } = user
  find('.avatar', row).textContent = initials(name)
  find('.name', row).textContent = name
  find('.address', row).textContent = email
  setTime(find('.since', row), createdAt, date)
  find('.badges', row).replaceChildren(...[
    isSuperuser ? 'Superuser' : '',
    isVerified ? 'Verified' : 'Not verified',
    isActive ? '' : 'Inactive'
  ].filter((text) => text !== '').map((text) => make('span', { className: text === 'Verified' ? 'badge good' : 'badge', textContent: text })))

  const button = find<HTMLButtonElement>('button', row)
  button.textContent = isActive ? 'Deactivate' : 'Activate'
  button.ariaLabel = `${button.textContent} ${name}`
  button.onclick = () => attempt(button, news, async () => {
    fill(row, await withFreshProof(() => api<User>('PATCH', `/users/${user.id}`, { isActive: !isActive })))
    return isActive ? `${name} is logged out, and cannot log in.` : `${name} may log in again.`
  })
}

onSubmit(find('#search'), async ({ email = '' }) => {
  await list.show(email === '' ? {} : { email })
  return undefined
}, news)

/** What superusers do to others may need their password once more. */
async function withFreshProof<Answer> (action: () => Promise<Answer>): Promise<Answer> {
  try {
    return await action()
  } catch (error) {
    if (!(error instanceof ApiError && error.code === 'REAUTHENTICATION_REQUIRED')) throw error
    if (!await confirmed()) throw error
    return await action()
  }
}

const form = find<HTMLFormElement>('form', dialog)

onSubmit(form, async ({ currentPassword }) => {
  await api('POST', '/confirm', { password: currentPassword })
  dialog.close('confirmed')
  return undefined
})
find('#cancel').addEventListener('click', () => { dialog.close('') })

/** Resolves when the dialog is closed: by the right password, or by whoever gives up. */
function confirmed (): Promise<boolean> {
  form.reset()
  dialog.returnValue = ''
  dialog.showModal()
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => { resolve(dialog.returnValue === 'confirmed') }, { once: true })
  })
}
