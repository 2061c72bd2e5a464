import { ApiError } from './api.js'
import { find, make, say } from './dom.js'

/**
 * Sends a form by a script: once at a time, and with a word on how it went.
 *
 * @param send is given what was typed, and answers with what to say; `undefined` says nothing
 */
export function onSubmit (form: HTMLFormElement, send: (typed: Record<string, string>) => Promise<string | undefined>, message = find('.message', form)): void {
  // Before the script is there, a click would send the form by itself, and show the JSON of the reply.
  for (const button of form.querySelectorAll('button')) button.disabled = false

  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    await attempt(form, message, async () => {
      for (const input of form.querySelectorAll('input')) mend(input)
      try {
        return await send(Object.fromEntries(new FormData(form)) as Record<string, string>)
      } catch (error) {
        const input = error instanceof ApiError ? form.elements.namedItem(error.field) : null
        if (!(input instanceof HTMLInputElement)) throw error
        mark(input, textOf(error))
        return undefined
      }
    })
  })
}

/** Does something that may take a while, but once at a time, and tells how it went. */
export async function attempt (busy: HTMLElement, message: HTMLElement, work: () => Promise<string | undefined>): Promise<void> {
  if (busy.ariaBusy === 'true') return
  busy.ariaBusy = 'true'
  say(message, '', '')
  try {
    say(message, await work() ?? '')
    // What was pressed may be gone, and the focus with it.
    if (document.activeElement === document.body) message.focus()
  } catch (error) {
    say(message, textOf(error), 'bad')
    message.focus()
  } finally {
    busy.ariaBusy = 'false'
  }
}

/** Nobody is helped by the words of a bug of ours. */
export function textOf (error: unknown): string {
  if (error instanceof ApiError) return error.message
  console.error(error)
  return 'Something went wrong, and it was us. Reload the page, and try again.'
}

/** Says what is wrong where it can be mended, and goes there. */
function mark (input: HTMLInputElement, textContent: string): void {
  const error = make('p', { className: 'error', id: errorId(input), textContent })
  input.closest('.field')?.append(error)
  input.setAttribute('aria-invalid', 'true')
  input.setAttribute('aria-describedby', [...describedBy(input), error.id].join(' '))
  input.addEventListener('input', () => { mend(input) }, { once: true })
  input.focus()
}

function mend (input: HTMLInputElement): void {
  document.getElementById(errorId(input))?.remove()
  input.removeAttribute('aria-invalid')
  input.setAttribute('aria-describedby', describedBy(input).join(' '))
}

function errorId ({ id }: HTMLInputElement): string {
  return `${id}-error`
}

/** The ids of what else is said about a field. */
function describedBy (input: HTMLInputElement): string[] {
  return (input.getAttribute('aria-describedby') ?? '').split(' ').filter((id) => id !== '' && id !== errorId(input))
}
