// Whoever uses the site without a mouse, without a large screen, or without seeing it.
import assert from 'node:assert/strict'
import axe from 'axe-core'
import { siteSuite, test } from './site.js'
import { fillIn, logIn, openMail } from './steps.js'

const desktop = { width: 1280, height: 800 }
const phone = { width: 360, height: 740 }
const looks = [
  ['light', desktop], ['dark', desktop], ['light', phone], ['dark', phone]
].map(([colorScheme, viewport]) => ({ colorScheme, viewport }))

const forGuests = ['/login', '/register', '/forgot-password', '/reset-password', '/verify', '/change-email', '/nowhere']

siteSuite('Who uses it without a mouse, a large screen, or eyes', (site) => {
  for (const look of looks) {
    const { colorScheme, viewport } = look
    const name = `${colorScheme}, ${viewport.width} pixels wide`

    test(`every page, ${name}: no fault, and nothing beside the screen`, async (t) => {
      const page = await site.visit(t, '/login', look)
      const check = () => isSound(page)
      for (const path of forGuests) {
        await page.goto(path)
        await page.locator('h1').waitFor()
        await check()
      }

      // With faults to tell, and the hint that comes with a password.
      await page.goto('/login')
      await fillIn(page, { email: 'nobody@example.com', password: 'what is typed here' })
      await page.getByRole('button', { name: 'Log in' }).click()
      await page.getByText('The address or the password is wrong.').waitFor()
      await check()
      await page.goto('/register')
      await page.getByLabel('Name').fill('Somebody')
      await fillIn(page, { email: site.superuser.email, password: 'long enough, and more' })
      await page.getByRole('button', { name: 'Sign up' }).click()
      await page.getByText('There is an account with this address.').waitFor()
      await check()

      // A name and an address as long as they may be.
      const index = looks.indexOf(look)
      const user = await site.addUser(`Wolfeschlegelsteinhausenbergerdorff${index}`, { name: 'Wolfeschlegelsteinhausenbergerdorff the Elder of Everywhere', isVerified: false, isSuperuser: true })
      await logIn(page, user)
      await page.getByText('Not verified').waitFor()
      await check()
      await page.getByRole('button', { name: 'Send it again' }).click()
      await page.getByText('Another mail is on its way.').waitFor()
      await check()

      await page.goto('/sessions')
      await page.getByText('This one').waitFor()
      await check()

      await page.goto('/users')
      await page.getByText(site.superuser.email).first().waitFor()
      await check()
      site.later(3700)
      await page.getByRole('button', { name: /^Deactivate Wolfe/ }).first().click()
      await page.getByRole('dialog').waitFor()
      await check()
      await page.keyboard.press('Escape')

      await page.getByText('Caught mails').click()
      await page.getByText('to wolfe').first().waitFor()
      await check()
    })
  }

  test('a login by the keyboard alone', async (t) => {
    const ann = await site.addUser('Ann')
    const page = await site.visit(t, '/login')
    const focused = () => page.evaluate('document.activeElement.innerText || document.activeElement.name || document.activeElement.tagName')

    const stops = []
    for (let presses = 0; presses < 12 && stops.at(-1) !== 'Log in'; presses++) {
      await page.keyboard.press('Tab')
      stops.push((await focused()).trim())
      assert.notEqual(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle'), 'none', `one sees that it is at "${stops.at(-1)}"`)
      if (stops.at(-1) === 'email') await page.keyboard.type(ann.email)
      if (stops.at(-1) === 'password') await page.keyboard.type('not the one')
      if (stops.at(-1) === 'remember') await page.keyboard.press('Space')
    }
    assert.deepEqual(stops, ['Skip to the content', 'Quay', 'Sign up', 'email', 'password', 'Show', 'remember', 'Forgot it?', 'Log in'])
    await page.keyboard.press('Enter')
    await page.getByText('The address or the password is wrong.').waitFor()
    assert.equal(await focused(), 'The address or the password is wrong.', 'the focus is on what must be read')

    // Back to the password: past the link, the box and the button that shows it.
    await page.getByLabel('Password', { exact: true }).focus()
    await page.keyboard.press('Control+A')
    await page.keyboard.type(ann.password)
    await page.keyboard.press('Enter')
    await page.waitForURL('/account')
    const [{ expires }] = await page.context().cookies()
    assert.ok(expires > 0, 'and is remembered')

    await page.keyboard.press('Tab')
    assert.equal(await focused(), 'Skip to the content')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    assert.equal(await focused(), 'name', 'past the navigation')
  })

  test('a mailed link, and a dialog, by the keyboard alone', async (t) => {
    const page = await site.visit(t, '/forgot-password')
    const bo = await site.addUser('Bo')
    await page.getByLabel('E-mail address').focus()
    await page.keyboard.type(bo.email)
    await page.keyboard.press('Enter')
    await page.getByText('a mail is on its way').waitFor()
    await openMail(page, 'Reset your password')
    await page.getByLabel('New password', { exact: true }).focus()
    await page.keyboard.type('horse battery staple')
    await page.keyboard.press('Enter')
    await page.getByText('Your password is set. Log in with it.').waitFor()

    await logIn(page, site.superuser)
    await page.goto('/users')
    site.later(3700)
    const button = page.getByRole('button', { name: 'Deactivate Bo' })
    await button.focus()
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog', { name: 'Is it you?' })
    await dialog.getByLabel('Password', { exact: true }).waitFor()
    assert.equal(await page.evaluate('document.activeElement.name'), 'currentPassword')
    await page.keyboard.press('Escape')
    await page.locator('#news').getByText('For this we need your password once more.').waitFor()
    assert.equal(await page.evaluate('document.activeElement.innerText'), 'For this we need your password once more.')
  })

  test('who wants less motion sees none', async (t) => {
    for (const reducedMotion of ['no-preference', 'reduce']) {
      const page = await site.visit(t, '/login', { reducedMotion })
      await page.evaluate("document.querySelector('form').ariaBusy = 'true'")
      const running = await page.evaluate('document.getAnimations().length')
      assert.equal(running, reducedMotion === 'reduce' ? 0 : 1)
    }
  })

  test('letters four times as large', async (t) => {
    // As wide as a window of 1280 pixels at 400 %, which WCAG 2.2 asks for (1.4.10).
    const page = await site.visit(t, '/login', { viewport: { width: 320, height: 256 } })
    for (const path of forGuests) {
      await page.goto(path)
      await nothingBeside(page)
    }
    await logIn(page, await site.addUser('Cyd', { isSuperuser: true }))
    for (const path of ['/account', '/sessions', '/users']) {
      await page.goto(path)
      await page.getByRole('main').getByRole('button').first().waitFor()
      await nothingBeside(page)
    }
  })
})

/** No fault that a program can find, in the whole page as it is now. */
async function isSound (page) {
  await nothingBeside(page)
  await page.evaluate(axe.source)
  const { violations, passes } = await page.evaluate('axe.run()')
  assert.ok(passes.some(({ id }) => id === 'color-contrast'), 'it has looked')
  assert.deepEqual(violations.map(({ impact, id, nodes }) => [impact, id, nodes.map(({ html }) => html)]), [], new URL(page.url()).pathname)
}

async function nothingBeside (page) {
  const widths = await page.evaluate('[document.documentElement.scrollWidth, document.documentElement.clientWidth]')
  assert.equal(widths[0], widths[1], `${new URL(page.url()).pathname} fits`)
}
