import t from 'tap'
import type { Letter } from '../../lib/contracts/letter.js'
import type { User } from '../../lib/contracts/user.js'
import { wordsFor } from '../../lib/mail/words.js'

const user: User = { id: 'u1', email: 'spam-spam@example.com', isActive: true, isVerified: false, isSuperuser: false, createdAt: '', updatedAt: '' }
const link = 'https://example.com/verify?a=1&b=2#token=x\'y"z'
const kinds = ['verify-address', 'reset-password', 'set-password', 'confirm-email-change', 'password-changed', 'email-changed', 'registration-attempt'] as const

function letter (kind: Letter['kind'], lifetimeSeconds = 3600): Letter {
  if (kind === 'password-changed' || kind === 'email-changed' || kind === 'registration-attempt') return { kind, user, to: 'other@example.com' }
  return { kind, user, to: 'other@example.com', link, lifetimeSeconds }
}

t.test('each letter has its words', async (t) => {
  const subjects = new Set<string>()
  for (const kind of kinds) {
    const { subject, text, html } = wordsFor(letter(kind), 'Tom & <Jerry>')
    subjects.add(subject)
    t.match(subject, 'Tom & <Jerry>')
    t.match(text, 'Tom & <Jerry>')
    t.match(text, /^Hello,\n\n.*\.\n\n.*\n$/s)
    t.match(text, /If (?:it was not you|you did not expect this),/)
    t.match(html, '<html lang="en">')
    t.match(html, 'Tom &amp; &lt;Jerry&gt;')
    t.notMatch(html, '<Jerry>')
    t.notMatch(html, /<(?:img|script|style|link|iframe|form)|url\(|@import/)
    t.notMatch(subject + text + html, /spam|@example|undefined/, 'nothing of the user, and not even the address')

    const linked = !['password-changed', 'email-changed', 'registration-attempt'].includes(kind)
    t.equal(text.includes(`\n\n${link}\n\n`), linked, 'on a line of its own')
    t.equal(text.includes('The link is good for 1 hour.'), linked)
    t.equal(html.includes('The link is good for 1 hour.'), linked)
    t.equal(html.split('https://example.com/verify?a=1&amp;b=2#token=x&#39;y&quot;z').length - 1, linked ? 2 : 0, 'to click and to read')
    t.equal(/https?:/.test(html.replaceAll('https://example.com/verify', '')), false, 'and no other address')
  }
  t.equal(subjects.size, kinds.length)
})

t.test('how long a link is good, as people say it', async (t) => {
  const cases: Array<[number, string]> = [[60, '1 minute'], [119, '1 minute'], [1800, '30 minutes'], [3600, '1 hour'], [5400, '90 minutes'], [7200, '2 hours'], [9000, '2 hours'], [86_400, '24 hours'], [172_799, '47 hours'], [172_800, '2 days'], [604_800, '7 days']]
  for (const [seconds, words] of cases) t.match(wordsFor(letter('verify-address', seconds), 'Example').text, `The link is good for ${words}.`)
})
