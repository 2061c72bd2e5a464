// The life of an account, page by page, as people go through it.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { launchOptions, listen, password, siteSuite, test } from './site.js'
import { fillIn, logIn, logOut, openMail, signUp } from './steps.js'

const phone = { userAgent: 'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Mobile Safari/537.36' }
const newPassword = 'horse battery staple'

siteSuite('The life of an account', (site) => {
  test('sign up, verify the address by the mailed link, be somebody', async (t) => {
    const page = await site.visit(t, '/')
    await page.waitForURL('/login?next=/account')
    await page.getByRole('link', { name: 'Sign up' }).click()
    await signUp(page, { name: 'Ann Archer', email: 'ann@example.com', password })

    await page.getByRole('heading', { name: 'Ann Archer', level: 1 }).waitFor()
    await page.getByText('Not verified').waitFor()
    await openMail(page, 'Verify your e-mail address')
    await page.waitForURL('/verify')
    assert.equal(page.url(), `${site.url}/verify`, 'the token is in the address no more')
    await page.getByRole('button', { name: 'Verify my address' }).click()
    await page.getByText('Thank you. Your address is verified.').waitFor()

    await page.getByRole('link', { name: 'To your account' }).click()
    await page.getByText('Verified', { exact: true }).waitFor()
    assert.equal(await page.getByRole('button', { name: 'Send it again' }).isVisible(), false)
    await logOut(page)
    await page.getByText('You are logged out.').waitFor()
  })

  test('the profile, and another password', async (t) => {
    const bo = await site.addUser('Bo')
    const page = await site.visit(t, '/login')
    await logIn(page, bo)

    await page.getByLabel('Name').fill('Bo Bridge')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Saved.').waitFor()
    await page.reload()
    await page.getByRole('heading', { name: 'Bo Bridge' }).waitFor()

    const form = page.locator('form', { has: page.getByRole('heading', { name: 'Password' }) })
    const current = form.getByLabel('Current password', { exact: true })
    await current.fill('not mine at all')
    await form.getByLabel('New password', { exact: true }).fill(newPassword)
    await form.getByRole('button', { name: 'Change it' }).click()
    await form.getByText('This is not your password.').waitFor()
    await current.fill(bo.password)
    await form.getByRole('button', { name: 'Change it' }).click()
    await form.getByText('Your password is changed.').waitFor()
    assert.equal(await current.inputValue(), '', 'no password stays in the page')

    await logOut(page)
    await fillIn(page, bo)
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByText('The address or the password is wrong.').waitFor()
    await logIn(page, { ...bo, password: newPassword })
  })

  test('another address, by a link that is mailed there', async (t) => {
    const cyd = await site.addUser('Cyd')
    const page = await site.visit(t, '/login')
    await logIn(page, cyd)
    await page.getByLabel('New address').fill('cyd@example.net')
    const form = page.locator('form', { has: page.getByRole('heading', { name: 'E-mail address' }) })
    await form.getByLabel('Current password', { exact: true }).fill(password)
    await form.getByRole('button', { name: 'Mail me a link' }).click()
    await form.getByText('We have mailed a link to cyd@example.net.').waitFor()

    await openMail(page, 'Confirm your new e-mail address')
    await page.getByRole('button', { name: 'Use this address' }).click()
    await page.getByText('Your new address counts. Log in with it.').waitFor()
    await logIn(page, { ...cyd, email: 'cyd@example.net' })
  })

  test('a forgotten password', async (t) => {
    const dot = await site.addUser('Dot')
    const page = await site.visit(t, '/login')
    await page.getByRole('link', { name: 'Forgot it?' }).click()
    for (const email of ['nobody@example.com', dot.email]) {
      await page.getByLabel('E-mail address').fill(email)
      await page.getByRole('button', { name: 'Mail me a link' }).click()
      await page.getByText('If there is an account with this address, a mail is on its way.').waitFor()
    }

    const link = await openMail(page, 'Reset your password')
    await page.getByLabel('New password', { exact: true }).fill(newPassword)
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Your password is set. Log in with it.').waitFor()
    await logIn(page, { ...dot, password: newPassword })

    await page.goto(link)
    await page.getByLabel('New password', { exact: true }).fill('once more, and again')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('This link is no good any more. Ask for another one.').waitFor()
  })

  test('sessions in two browsers: end one, all others, this one', async (t) => {
    const eve = await site.addUser('Eve')
    const here = await site.visit(t, '/login')
    const there = await site.visit(t, '/login', phone)
    await logIn(here, eve)
    await logIn(there, eve)

    await here.getByRole('link', { name: 'Sessions' }).click()
    const rows = here.getByRole('main').getByRole('listitem')
    await rows.nth(1).waitFor()
    assert.equal(await rows.count(), 2)
    assert.equal(await rows.getByText('This one').filter({ visible: true }).count(), 1)
    await rows.filter({ hasText: 'Chrome on Android' }).getByRole('button', { name: /^End the session of Chrome on Android/ }).click()
    await here.getByText('The session has ended.').waitFor()
    assert.equal(await rows.count(), 1)
    // What is on the screen already asks for a login with the next thing that it does.
    await there.getByRole('button', { name: 'Save' }).click()
    await there.waitForURL('/login?next=%2Faccount')

    await logIn(there, eve)
    await here.reload()
    await rows.nth(1).waitFor()
    await here.getByRole('button', { name: 'End all others' }).click()
    await here.getByText('All other sessions have ended.').waitFor()
    assert.equal(await rows.count(), 1)
    await there.reload()
    await there.waitForURL('/login?next=/account')

    await rows.getByRole('button', { name: /^End the session/ }).click()
    await here.getByText('You are logged out.').waitFor()
    await here.goto('/sessions')
    await here.waitForURL('/login?next=/sessions')
    await fillIn(here, eve)
    await here.getByRole('button', { name: 'Log in' }).click()
    await here.waitForURL('/sessions')
  })

  test('the users, for superusers', async (t) => {
    const fay = await site.addUser('Fay')
    const member = await site.visit(t, '/login')
    await logIn(member, fay)
    assert.equal(await member.getByRole('link', { name: 'Users' }).isVisible(), false)
    await member.goto('/users')
    await member.getByText('Only superusers may see this page.').waitFor()

    const page = await site.visit(t, '/login')
    await logIn(page, site.superuser)
    await page.getByRole('link', { name: 'Users' }).click()
    await page.getByLabel('Part of an address').fill('fay@')
    await page.getByRole('button', { name: 'Find' }).click()
    const row = page.getByRole('main').getByRole('listitem')
    await page.getByRole('main').getByText(site.superuser.email).waitFor({ state: 'detached' })
    assert.match(await row.innerText(), /^F\s+Fay\s+fay@example\.org/)

    await row.getByRole('button', { name: 'Deactivate Fay' }).click()
    await page.getByText('Fay is logged out, and cannot log in.').waitFor()
    await member.goto('/account')
    await member.waitForURL('/login?next=/account')

    // The password that was given an hour ago is no proof any more of who sits there.
    site.later(3700)
    await row.getByRole('button', { name: 'Activate Fay' }).click()
    const dialog = page.getByRole('dialog', { name: 'Is it you?' })
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    await page.getByText('For this we need your password once more.').first().waitFor()
    await row.getByRole('button', { name: 'Activate Fay' }).click()
    await dialog.getByLabel('Password', { exact: true }).fill('not the one')
    await dialog.getByRole('button', { name: 'Go on' }).click()
    await dialog.getByText('This is not your password.').waitFor()
    await dialog.getByLabel('Password', { exact: true }).fill(site.superuser.password)
    await dialog.getByRole('button', { name: 'Go on' }).click()
    await page.getByText('Fay may log in again.').waitFor()
    await logIn(member, fay)
  })

  test('a session ends with the browser, unless it is to be remembered', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'fastify-users-browser-'))
    t.after(() => rm(folder, { recursive: true, force: true }))
    const gus = await site.addUser('Gus')

    /** Opens the browser of one person, and closes it in the end as that person would. */
    async function browse (steps) {
      const context = await chromium.launchPersistentContext(folder, { ...launchOptions, baseURL: site.url })
      try {
        const complaints = listen(context)
        await steps(await context.newPage())
        assert.deepEqual(complaints, [])
      } finally {
        await context.close()
      }
    }

    await browse(async (page) => {
      await logIn(page, gus)
      const [{ expires }] = await page.context().cookies()
      assert.equal(expires, -1)
    })
    await browse(async (page) => {
      await page.goto('/account')
      await page.waitForURL('/login?next=/account')
      await logIn(page, gus, { remember: true })
    })
    await browse(async (page) => {
      await page.goto('/account')
      await page.getByRole('heading', { name: 'Gus' }).waitFor()
      await logOut(page)
    })
    await browse(async (page) => {
      await page.goto('/account')
      await page.waitForURL('/login?next=/account')
    })
  })

  test('whoever leaves in one tab leaves in all of them', async (t) => {
    const hal = await site.addUser('Hal')
    const page = await site.visit(t, '/login')
    await logIn(page, hal)
    const other = await page.context().newPage()
    await other.goto('/sessions')
    await logOut(page)
    await other.waitForURL('/login?next=/sessions')

    await logIn(page, hal)
    await other.goto('/account')
    await page.goto('/sessions')
    await page.getByRole('button', { name: /^End the session/ }).click()
    await page.waitForURL('/login?done=logout')
    await other.waitForURL('/login?next=/account')
  })
})
