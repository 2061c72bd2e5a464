// What people are told when something does not work, and while it is under way.
import assert from 'node:assert/strict'
import { openSite, siteSuite, stop, test } from './site.js'
import { fillIn, logIn } from './steps.js'

siteSuite('What people are told', (site) => {
  test('a wrong password, and too many of them', async (t) => {
    const ann = await site.addUser('Ann')
    const page = await site.visit(t, '/login')
    for (let attempts = 0; attempts < 10; attempts++) {
      await fillIn(page, { ...ann, password: `wrong, for the ${attempts}th time` })
      await press(page, 'Log in', '/api/login/cookie', 400)
      await page.getByText('The address or the password is wrong.').waitFor()
    }
    await fillIn(page, ann)
    await press(page, 'Log in', '/api/login/cookie', 429)
    await page.getByText('Too many attempts. Try again in 2 minutes.').waitFor()

    // As good as what is told.
    site.later(120)
    await logIn(page, ann)
  })

  test('an address that is taken, a weak password, a field that is empty', async (t) => {
    const bo = await site.addUser('Bo')
    const page = await site.visit(t, '/register')
    const [name, email, password] = ['Name', 'E-mail address', 'Password'].map((label) => page.getByLabel(label, { exact: true }))

    await page.getByRole('button', { name: 'Sign up' }).click()
    assert.equal(await name.evaluate((input) => input.matches(':focus:invalid')), true, 'the browser itself asks for it')

    await name.fill('Bo')
    await fillIn(page, bo)
    await press(page, 'Sign up', '/api/register', 400)
    await isToBeMended(page, email, 'There is an account with this address. Log in, or choose a new password.')

    await email.fill('other@example.org')
    await password.fill('password123')
    await press(page, 'Sign up', '/api/register', 400)
    await isToBeMended(page, password, 'The password is one of the commonest, which are tried first. Choose another one.')
    await password.fill('short')
    assert.match(await page.locator('.hint').first().innerText(), /^3 characters more/)
    await press(page, 'Sign up', '/api/register', 400)
    assert.equal(await email.getAttribute('aria-invalid'), null, 'what was mended is no fault any more')
  })

  test('a password can be looked at, and is hidden again when it is sent', async (t) => {
    const page = await site.visit(t, '/login')
    await fillIn(page, { email: 'nobody@example.com', password: 'what is typed here' })
    const input = page.getByLabel('Password', { exact: true })
    await page.getByRole('button', { name: 'Show the password' }).click()
    assert.equal(await input.getAttribute('type'), 'text')
    await press(page, 'Log in', '/api/login/cookie', 400)
    assert.equal(await input.getAttribute('type'), 'password')
  })

  test('while a form is sent it is busy, and sent once', async (t) => {
    const cyd = await site.addUser('Cyd')
    const page = await site.visit(t, '/login')
    let requests = 0
    let release
    const held = new Promise((resolve) => { release = resolve })
    await page.route('/api/login/cookie', async (route) => {
      requests++
      await held
      await route.continue()
    })

    await fillIn(page, cyd)
    const button = page.getByRole('button', { name: 'Log in' })
    await button.click()
    await page.locator('form[aria-busy=true]').waitFor()
    assert.equal(await spinner(button), 'turn')
    await button.click()
    await page.getByLabel('E-mail address').press('Enter')
    assert.equal(requests, 1)

    await page.emulateMedia({ reducedMotion: 'reduce' })
    assert.equal(await spinner(button), 'none')
    release()
    await page.waitForURL('/account')
    assert.equal(requests, 1)
  })

  test('no network', async (t) => {
    const page = await site.visit(t, '/login')
    await fillIn(page, { email: 'nobody@example.com', password: 'what is typed here' })
    await page.context().setOffline(true)
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByText('We cannot reach the server. Are you online?').waitFor()
    assert.equal(await page.locator('form[aria-busy=false]').count(), 1, 'it can be tried again')
    await page.context().setOffline(false)
    await press(page, 'Log in', '/api/login/cookie', 400)
    await page.getByText('The address or the password is wrong.').waitFor()
  })

  test('a server that is down, and a page that is asked of it', async (t) => {
    const other = await openSite()
    t.after(() => other.close())
    const dot = await other.addUser('Dot')
    const page = await other.visit(t, '/login')
    await logIn(page, dot)
    await stop(other.app)
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('We cannot reach the server. Are you online?').waitFor()
  })

  test('a page that is not there', async (t) => {
    const page = await site.visit(t, '/nowhere')
    await page.getByText('There is no page at this address.').waitFor()
    await page.getByRole('link', { name: 'To the start' }).click()
    await page.waitForURL('/login?next=/account')
  })
})

/** Presses a button, and waits for the answer to what it sends. */
async function press (page, name, path, status) {
  const [reply] = await Promise.all([page.waitForResponse((reply) => reply.url().endsWith(path)), page.getByRole('button', { name }).click()])
  assert.equal(reply.status(), status)
}

/** A field with its fault beside it, which whoever cannot see hears as well, with the focus on it. */
async function isToBeMended (page, input, text) {
  await page.getByText(text).waitFor()
  assert.deepEqual(await input.evaluate((input) => ({
    focused: input.matches(':focus'),
    invalid: input.getAttribute('aria-invalid'),
    described: input.getAttribute('aria-describedby').split(' ').map((id) => document.getElementById(id).textContent).at(-1)
  })), { focused: true, invalid: 'true', described: text })
}

function spinner (button) {
  // eslint-disable-next-line no-undef -- in the page
  return button.evaluate((button) => getComputedStyle(button, '::after').animationName)
}
