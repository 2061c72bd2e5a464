import t from 'tap'
import { sessionAnswers, userAnswers, type MayAnswer } from '../lib/answers.js'
import { newSession } from '../lib/testing/stored-session.js'
import { newUser } from '../lib/testing/stored-user.js'

const user = newUser()
const session = newSession()
const { id, emailKey } = user
const query = { userId: session.userId }

/** What is asked, and what may be answered. */
const table: ReadonlyArray<[name: string, mayAnswer: MayAnswer, asked: unknown, answers: readonly unknown[]]> = [
  ['users.insert', userAnswers.insert, user, [true, false]],
  ['users.findById', userAnswers.findById, id, [null, undefined, user, { ...user, passwordHash: null }]],
  ['users.findByEmail', userAnswers.findByEmail, emailKey, [null, undefined, user]],
  ['users.list', userAnswers.list, {}, [[], [user], [user, newUser()]]],
  ['users.replace', userAnswers.replace, user, [true, false, 'taken']],
  ['users.remove', userAnswers.remove, id, [true, false]],
  ['users.retire', userAnswers.retire, id, [true, false, 'taken', 'last']],
  ['sessions.find', sessionAnswers.find, session.id, [null, undefined, session]],
  ['sessions.list', sessionAnswers.list, query, [[], [session], [session, newSession(query)]]],
  ['sessions.remove', sessionAnswers.remove, session.id, [true, false]],
  ['sessions.purge', sessionAnswers.purge, 0, [0, 7]]
]

const odd = [1.5, 'yes', 'true', {}, [{}], [null], [[]], NaN, Symbol('yes'), newUser(), newSession(), [newSession()]]

function ask (mayAnswer: MayAnswer, answer: unknown, asked: unknown): boolean {
  return mayAnswer(answer, asked as never)
}

for (const [name, mayAnswer, asked, answers] of table) {
  t.test(name, async (t) => {
    for (const answer of answers) t.equal(ask(mayAnswer, answer, asked), true)
    const wrong = [...odd, ...[null, undefined, true, false, 0, 1, '', 'taken', 'last', []].filter((one) => !answers.some((answer) => JSON.stringify(answer) === JSON.stringify(one)))]
    for (const answer of wrong.filter((one) => !(name === 'sessions.purge' && [0, 1].includes(one as number)))) t.equal(ask(mayAnswer, answer, asked), false, String(JSON.stringify(answer)).slice(0, 40))
  })
}

t.test('rows that lack something, or have it in another form', async (t) => {
  const optional = ['createdAt', 'updatedAt']
  for (const column of Object.keys(user).filter((column) => !optional.includes(column))) {
    for (const value of [undefined, Symbol(column)]) t.equal(userAnswers.findById({ ...user, [column]: value }, id), false, column)
  }
  for (const [column, value] of [['isActive', 1], ['version', '1'], ['version', 1.5], ['sessionEpoch', null], ['fields', null], ['pendingTokens', '{}'], ['passwordHash', undefined]] as const) {
    t.equal(userAnswers.list([user, { ...user, [column]: value }]), false, column)
  }
  for (const column of ['id', 'userId', 'createdAt', 'lastSeenAt', 'expiresAt', 'data']) t.equal(sessionAnswers.find({ ...session, [column]: undefined }, session.id), false, column)
  for (const column of ['epoch', 'endsAt']) t.equal(sessionAnswers.list([{ ...session, data: { ...session.data, [column]: undefined } }], query), false, column)
})

t.test('who says nothing may say anything', async (t) => {
  t.equal(sessionAnswers.removeAll(), true)
})
