// The pages that mailed links lead to. The token is behind the #, where no server, log or Referer sees it: a script takes it
// from there and sends it in a body, when the user says so.
import type { FastifyInstance } from 'fastify'

const pages = {
  '/verify': { title: 'Verify your address', button: 'Verify', field: '' },
  '/change-email': { title: 'Confirm your new address', button: 'Confirm', field: '' },
  '/reset-password': { title: 'Choose a password', button: 'Save', field: '<label>New password <input name="password" type="password" autocomplete="new-password" required></label>' }
}

export function addPages (app: FastifyInstance): void {
  for (const [path, { title, button, field }] of Object.entries(pages)) {
    app.get(path, { schema: { hide: true } }, async (_request, reply) => {
      reply.headers({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' }).type('text/html; charset=utf-8')
      return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>body { font: 1rem/1.5 system-ui; max-width: 30rem; margin: 4rem auto; padding: 0 1rem } label, output { display: block; margin: 1rem 0 }</style>
<h1>${title}</h1>
<form>${field}<button>${button}</button><output></output></form>
<script type="module">
  const token = new URLSearchParams(location.hash.slice(1)).get('token')
  history.replaceState(null, '', location.pathname)
  const form = document.querySelector('form')
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    const body = { ...Object.fromEntries(new FormData(form)), token }
    const reply = await fetch('${path}', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
    const { message, reason } = await reply.json()
    form.querySelector('output').value = reply.ok ? 'Done.' : [message, reason].join(' ')
  })
</script>`
    })
  }
}
