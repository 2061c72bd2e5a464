/** The one element of the page that is meant. */
export function find<E extends Element = HTMLElement> (selector: string, within: ParentNode = document): E {
  const element = within.querySelector<E>(selector)
  if (element === null) throw new Error(`There is no ${selector} here.`)
  return element
}

export function make<K extends keyof HTMLElementTagNameMap> (tag: K, properties: Partial<HTMLElementTagNameMap[K]> = {}): HTMLElementTagNameMap[K] {
  return Object.assign(document.createElement(tag), properties)
}

/** Says how it went, below a form or a heading. */
export function say (message: HTMLElement, text: string, tone: 'good' | 'bad' | '' = 'good'): void {
  message.textContent = text
  message.dataset.tone = tone
}

/** Goes to another page. The promise never settles, so that what waits for it stays busy until the page is gone. */
export function leave (url: string): Promise<never> {
  location.assign(url)
  return new Promise(() => {})
}

export function initials (name: string): string {
  return name.trim().split(/\s+/).slice(0, 2).map((word) => [...word][0]?.toUpperCase()).join('')
}

const dates = new Intl.DateTimeFormat('en', { dateStyle: 'medium' })
const times = new Intl.DateTimeFormat('en', { month: 'short', day: 'numeric', hour: 'numeric', minute: '2-digit' })

export function date (text: string): string {
  return dates.format(new Date(text))
}

export function dateAndTime (text: string): string {
  return times.format(new Date(text))
}

/** Puts a date into a `<time>`, in words. */
export function setTime (element: HTMLTimeElement, dateTime: string, inWords = dateAndTime): void {
  Object.assign(element, { dateTime, textContent: inWords(dateTime) })
}
