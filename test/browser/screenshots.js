// Takes the pictures of docs/web-example.md and of the README, into docs/images/.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { openSite } from './site.js'
import { fillIn, logIn, openMail, signUp } from './steps.js'

const root = join(import.meta.dirname, '../..')
const folder = join(root, 'docs/images')
const largest = 120_000

const ann = { name: 'Ann Archer', email: 'ann@example.com', password: 'staple battery horse' }
const others = ['Bo Bridge', 'Cyd Castle', 'Dot Delta', 'Eve Elder']
const laptop = { viewport: { width: 1120, height: 700 }, colorScheme: 'light' }
const phone = {
  viewport: { width: 390, height: 780 },
  colorScheme: 'dark',
  userAgent: 'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Mobile Safari/537.36'
}

await rm(join(folder, 'web'), { recursive: true, force: true })
await mkdir(join(folder, 'web'), { recursive: true })

const ends = []
const site = await openSite()
try {
  const t = { after: (end) => ends.push(end) }
  await takeSite(t)
  await takeDemo(t)
  for (const end of ends) await end()
} finally {
  await site.close()
}

async function takeSite (t) {
  for (const [index, name] of others.entries()) await site.addUser(name.split(' ')[0], { name, isActive: index !== 2, isVerified: index !== 1 })
  const page = await site.visit(t, '/register', laptop)
  const mobile = await site.visit(t, '/login', phone)

  await page.getByLabel('Name').fill(ann.name)
  await fillIn(page, { email: ann.email, password: 'staple battery' })
  await page.getByRole('button', { name: 'Show the password' }).click()
  await take(page, 'web/sign-up')

  await signUp(page, ann)
  await page.getByText('Not verified').waitFor()
  await page.getByText('Caught mails').click()
  await page.getByText(`to ${ann.email}`).waitFor()
  await take(page, 'web/mails')
  await openMail(page, 'Verify')
  await page.getByRole('button', { name: 'Verify my address' }).click()
  await page.getByText('Thank you.').waitFor()

  await page.goto('/account')
  await page.getByText('Verified', { exact: true }).waitFor()
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Saved.').waitFor()
  await take(page, 'web/account')

  await logIn(mobile, ann, { remember: true })
  await mobile.getByText('Verified', { exact: true }).waitFor()
  await take(mobile, 'web/phone')

  await page.goto('/sessions')
  await page.getByText('Chrome on Android').waitFor()
  await take(page, 'web/sessions')

  const admin = await site.visit(t, '/login', { ...laptop, colorScheme: 'dark' })
  await fillIn(admin, { ...site.superuser, password: 'not the one' })
  await admin.getByLabel('Remember me').check()
  await admin.getByRole('button', { name: 'Log in' }).click()
  await admin.getByText('The address or the password is wrong.').waitFor()
  await take(admin, 'web/login')
  await logIn(admin, site.superuser)
  await admin.goto('/users')
  await admin.getByText('Eve Elder').waitFor()
  await take(admin, 'web/users')
}

/** Swagger UI of `npm run demo`, which is a process of its own. */
async function takeDemo (t) {
  const demo = spawn(process.execPath, ['build/examples/quickstart.js'], { cwd: root, env: { ...process.env, PORT: '0' }, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(demo, 'exit')
  try {
    const [line] = await once(createInterface(demo.stdout), 'line')
    const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(line)
    const page = await site.visit(t, `${url}/docs`, { ...laptop, viewport: { width: 1120, height: 860 } })
    await page.getByText('Who am I?').first().waitFor()
    await take(page, 'demo')
  } finally {
    demo.kill('SIGINT')
    await ended
  }
}

async function take (page, name) {
  const path = join(folder, `${name}.png`)
  await page.screenshot({ path, animations: 'disabled', caret: 'hide' })
  const { size } = await stat(path)
  console.log(`docs/images/${name}.png: ${size} bytes`)
  if (size > largest) throw new Error(`${path} is too large for a page.`)
}
