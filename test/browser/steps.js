// What people do on the site, found by the words that they see or hear.

export async function signUp (page, { name, email, password }) {
  await page.goto('/register')
  await page.getByLabel('Name').fill(name)
  await fillIn(page, { email, password })
  await page.getByRole('button', { name: 'Sign up' }).click()
  await page.waitForURL('/account')
}

export async function logIn (page, user, { remember = false } = {}) {
  await page.goto('/login')
  await fillIn(page, user)
  if (remember) await page.getByLabel('Remember me').check()
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.waitForURL('/account')
}

export async function fillIn (page, { email, password }) {
  await page.getByLabel('E-mail address').fill(email)
  await page.getByLabel('Password', { exact: true }).fill(password)
}

export async function logOut (page) {
  await page.getByRole('button', { name: 'Log out' }).click()
  await page.waitForURL('/login?done=logout')
}

/** Follows the link of the newest mail with this subject, which the foot of the page shows, and returns it. */
export async function openMail (page, subject) {
  const panel = page.getByRole('complementary', { name: 'For development' })
  const mail = panel.getByRole('listitem').filter({ hasText: subject }).first()
  if (!await mail.isVisible()) await panel.getByText('Caught mails').click()
  const link = mail.getByRole('link', { name: 'Open the link' })
  const href = await link.getAttribute('href')
  await link.click()
  return href
}
