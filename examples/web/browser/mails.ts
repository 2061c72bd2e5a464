// For development: shows what would have been mailed.
import { find } from './dom.js'

interface Mail {
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly sentAt: string
}

const panel = find<HTMLDetailsElement>('#mails')
const template = find<HTMLTemplateElement>('#mail')
let newest = ''

async function update (): Promise<void> {
  const mails = await fetch('/dev/mails').then((reply) => reply.json(), () => []) as Mail[]
  const key = mails[0]?.sentAt ?? ''
  if (key === newest) return
  newest = key
  find('.count', panel).textContent = String(mails.length)
  find('#mail-list').replaceChildren(...mails.map((mail) => {
    const row = template.content.cloneNode(true) as DocumentFragment
    find('strong', row).textContent = mail.subject
    find('.small', row).textContent = `to ${mail.to}`
    find('p', row).textContent = mail.text.replace(/(?<=#token=.{8})\S+/, '…')
    const [url] = /\S+#token=\S+/.exec(mail.text) ?? []
    if (url !== undefined) {
      const link = find<HTMLAnchorElement>('a', row)
      const { pathname, hash } = new URL(url)
      link.href = pathname + hash
      link.hidden = false
    }
    return row
  }))
}

await update()
setInterval(async () => { if (document.visibilityState === 'visible') await update() }, 1000)
