import fc from 'fast-check'
import t, { type Test } from 'tap'
import { bearer, cookie, type FastifyUsersOptions } from '../../lib/index.js'
import { aPassword, postOffice } from '../helpers/accounts.js'
import { appWith } from '../helpers/app.js'
import { holds, wantedPlaces } from '../helpers/properties.js'
import { absoluteMs, check, checkLists, commands, emptyModel, idleMs, lifetimeMs, type Access, type Model, type Real } from '../helpers/session-model.js'
import { byBearer, byCookie, onEachPlace, stoppedClock, strategies, type Place } from '../helpers/sessions.js'

/** A token is good if and only if the model says so, whatever has happened before. */

/** Options under which all of it must hold; each runs on each place and with each strategy. */
const variants: Readonly<Record<string, Partial<FastifyUsersOptions>>> = {
  'as it is': {},
  'with a cache': { cacheSeconds: 60 }
}

/** One thing that happens, and a look at some tokens after it. */
class Command implements fc.AsyncCommand<Model, Real> {
  readonly #name: string
  readonly #looks: readonly number[]
  readonly #run: (model: Model, real: Real) => Promise<void> | undefined

  constructor (name: string, looks: readonly number[], run: (model: Model, real: Real) => Promise<void> | undefined) {
    this.#name = name
    this.#looks = looks
    this.#run = run
  }

  check (): boolean {
    return true
  }

  async run (model: Model, real: Real): Promise<void> {
    await this.#run(model, real)
    for (const look of this.#looks) {
      const access = at(model.accesses, look)
      if (access !== undefined) await check(access, real)
    }
  }

  toString (): string {
    return `${this.#name}[${this.#looks.join()}]`
  }
}

/** The latest first: what has just begun is more telling than what is long over. */
function at<Item> (items: readonly Item[], pick: number): Item | undefined {
  return items.length === 0 ? undefined : items[items.length - 1 - pick % items.length]
}

const picked = fc.oneof({ weight: 3, arbitrary: fc.nat(3) }, fc.nat(200))
const looks = fc.array(picked, { minLength: 3, maxLength: 3 })
const way = fc.constantFrom(byCookie, byBearer)
const isRight = fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.constant(false))
const seconds = fc.constantFrom(1, 59, 60, 61, lifetimeMs / 1000 - 1, lifetimeMs / 1000, lifetimeMs / 1000 + 1, idleMs / 1000 - 1, idleMs / 1000, 3600, absoluteMs / 1000 - 1)

type Run = (model: Model, real: Real) => Promise<void> | undefined

const command = (name: string, weight: number, arbitrary: fc.Arbitrary<readonly [args: unknown, run: Run]>): fc.WeightedArbitrary<Command> => ({
  weight,
  arbitrary: fc.tuple(arbitrary, looks).map(([[args, run], looks]) => new Command(`${name}(${JSON.stringify(args)})`, looks, run))
})

/** A command about a token, by whomever. */
const byToken = (name: string, weight: number, run: (model: Model, real: Real, by: Access, isRight: boolean, pick: number) => Promise<void> | undefined): fc.WeightedArbitrary<Command> => {
  return command(name, weight, fc.tuple(picked, isRight, picked).map((args) => [args, (model, real) => {
    const [by, isRight, pick] = args
    const access = at(model.accesses, by)
    return access === undefined ? undefined : run(model, real, access, isRight, pick)
  }]))
}

/** A command about an account; one that is gone, too. */
const byRoot = (name: string, weight: number, run: (model: Model, real: Real, account: Model['accounts'][number], value: boolean) => Promise<void>): fc.WeightedArbitrary<Command> => {
  return command(name, weight, fc.tuple(picked, fc.boolean()).map((args) => [args, (model, real) => {
    const account = at(model.accounts, args[0])
    return account === undefined ? undefined : run(model, real, account, args[1])
  }]))
}

const address = (model: Model, pick: number): string => at(model.addresses, pick) as string

const story = fc.commands([fc.oneof(
  command('register', 2, picked.map((pick) => [pick, (model, real) => commands.register(model, real, address(model, pick))])),
  command('login', 10, fc.tuple(picked, way, isRight, fc.option(picked, { nil: undefined })).map(([pick, way, isRight, planted]) => [[pick, way.name, isRight, planted], (model, real) => commands.login(model, real, address(model, pick), way, isRight, planted === undefined ? undefined : at(model.accesses, planted))])),
  command('refresh', 8, fc.tuple(picked, fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.nat(2))).map((args) => [args, (model, real) => {
    const session = at(model.sessions.filter(({ refreshes }) => refreshes.length > 0), args[0])
    return session === undefined ? undefined : commands.refresh(model, real, session, args[1])
  }])),
  command('wait', 5, seconds.map((seconds) => [seconds, (_model, real) => { real.clock.forward(seconds) }])),
  command('forgot', 2, picked.map((pick) => [pick, (model, real) => commands.forgot(model, real, address(model, pick))])),
  command('reset', 2, picked.map((pick) => [pick, (model, real) => {
    const reset = at(model.resets, pick)
    return reset === undefined ? undefined : commands.reset(model, real, reset)
  }])),
  byToken('logout', 2, commands.logout),
  byToken('revokeOne', 2, (model, real, by, _isRight, pick) => {
    const target = at(model.sessions, pick)
    return target === undefined || !real.hasSessions ? undefined : commands.revokeOne(model, real, by, target)
  }),
  byToken('revokeOthers', 1, (model, real, by) => real.hasSessions ? commands.revokeOthers(model, real, by) : undefined),
  byToken('confirm', 2, commands.confirm),
  byToken('changePassword', 1, commands.changePassword),
  byToken('changeEmail', 2, (model, real, by, isRight, pick) => commands.changeEmail(model, real, by, isRight, address(model, pick))),
  byToken('deleteOwn', 1, commands.deleteOwn),
  byRoot('verify', 5, (model, real, account) => commands.set(model, real, account, 'isVerified', true)),
  byRoot('unverify', 1, (model, real, account) => commands.set(model, real, account, 'isVerified', false)),
  byRoot('activate', 2, (model, real, account, value) => commands.set(model, real, account, 'isActive', value)),
  byRoot('promote', 4, (model, real, account, value) => commands.set(model, real, account, 'isSuperuser', value)),
  byRoot('remove', 1, commands.remove),
  byRoot('revokeAll', 1, commands.revokeAll)
)], { maxCommands: 60, size: 'max' })

async function setScene (t: Test, place: Place, strategy: string, given: Partial<FastifyUsersOptions>): Promise<Real> {
  const clock = stoppedClock(Date.UTC(2030, 0, 1))
  const post = postOffice()
  const root = { email: 'root@example.com', password: aPassword('root') }
  const hasSessions = strategy !== 'jwt'
  const common = { lifetimeSeconds: lifetimeMs / 1000, ...(hasSessions ? { refresh: { idleSeconds: idleMs / 1000, absoluteSeconds: absoluteMs / 1000 } } : {}) }
  const app = await appWith(t, {
    users: place.users,
    sessions: place.sessions,
    strategy: (strategies[strategy] as NonNullable<typeof strategies[string]>)(),
    backends: [cookie(common), bearer({ ...common, requireVerified: true })],
    routes: { register: true, reset: true, me: true, deleteMe: true, users: true, sessions: hasSessions },
    clock: clock.now,
    ...post.options,
    ...given
  })
  await app.users.create({ ...root, isSuperuser: true, isVerified: true })
  return { app, place, clock, post, hasSessions, newestOnly: strategy === 'opaque', verifiedOnly: new Set([byBearer]), root }
}

/** Two who have an account, one of them logged in: a story that begins with nobody has little to tell for long. */
async function begin (model: Model, real: Real): Promise<void> {
  for (const pick of [1, 2]) await commands.register(model, real, address(model, pick))
  for (const account of model.accounts) await commands.set(model, real, account, 'isVerified', true)
  for (const way of [byCookie, byBearer]) await commands.login(model, real, address(model, 2), way, true, undefined)
}

let stories = 0

onEachPlace(t, async (t, open) => {
  for (const strategy of Object.keys(strategies)) {
    for (const [variant, given] of Object.entries(variants)) {
      const real = await setScene(t, await open(t), strategy, given)

      holds(t, `tokens are as good as the model says, ${t.name}, ${strategy}, ${variant}`, 20, fc.asyncProperty(story, async (story) => {
        const run = stories++
        const model = emptyModel(['ann', 'bob', 'carl'].map((name) => `${name}${run}@example.com`))
        await begin(model, real)
        await fc.asyncModelRun(() => ({ model, real }), story)
        for (const access of model.accesses) await check(access, real)
        await checkLists(model, real)
      }))
    }
  }
}, wantedPlaces)
