import { make } from './dom.js'
import { passwordHint } from './password-hint.js'

/** Gives a password a button that shows it, and a new one a hint on how good it is. */
export function equip (input: HTMLInputElement): void {
  input.closest('.field')?.classList.add('secret')
  addReveal(input)
  if (input.autocomplete === 'new-password') addHint(input)
}

function addReveal (input: HTMLInputElement): void {
  const button = make('button', { type: 'button', className: 'reveal', textContent: 'Show' })
  const show = (shown: boolean): void => {
    input.type = shown ? 'text' : 'password'
    button.textContent = shown ? 'Hide' : 'Show'
    button.setAttribute('aria-label', `${button.textContent} the password`)
  }
  show(false)
  button.addEventListener('click', () => { show(input.type === 'password') })
  // What is sent while it is shown might be kept by the browser like any other text.
  input.form?.addEventListener('submit', () => { show(false) })
  input.after(button)
}

function addHint (input: HTMLInputElement): void {
  const meter = make('meter', { max: 4, min: 0, low: 2, high: 3, optimum: 4, ariaHidden: 'true' })
  const text = make('p', { className: 'hint', id: `${input.id}-hint` })
  // Each letter would be announced, and nobody could type in peace.
  const spoken = make('p', { className: 'hidden', role: 'status' })
  let timer: ReturnType<typeof setTimeout>

  const update = (): void => {
    const address = input.form?.querySelector<HTMLInputElement>('input[autocomplete=username]')?.value
    const hint = passwordHint(input.value, address)
    meter.value = hint.level
    text.textContent = hint.text
    clearTimeout(timer)
    timer = setTimeout(() => { spoken.textContent = input.value === '' ? '' : hint.text }, 1000)
  }
  update()
  input.addEventListener('input', update)
  input.form?.addEventListener('reset', () => { setTimeout(update) })
  input.setAttribute('aria-describedby', text.id)
  input.closest('.field')?.append(meter, text, spoken)
}
