import { readFileSync } from 'node:fs'
import path from 'node:path'
import ts from 'typescript'

const root = path.join(import.meta.dirname, '..')

/** The interfaces that the page has tables of, and where they are. */
export const files = {
  FastifyUsersOptions: 'lib/options.ts',
  RouteGroups: 'lib/route-options.ts',
  MailOptions: 'lib/mail-options.ts',
  PasswordOptions: 'lib/password-options.ts',
  BreachOptions: 'lib/contracts/password-rule.ts',
  ThrottleOptions: 'lib/throttle-options.ts',
  ClientLimits: 'lib/throttle-options.ts',
  GuessLimits: 'lib/throttle-options.ts',
  MailLimits: 'lib/throttle-options.ts',
  CookieOptions: 'lib/transports/cookie.ts',
  BearerOptions: 'lib/transports/bearer.ts',
  RefreshOptions: 'lib/contracts/backend.ts',
  OpaqueOptions: 'lib/strategies/opaque.ts',
  JwtOptions: 'lib/strategies/jwt.ts',
  JwtKey: 'lib/strategies/jwt-keys.ts',
  GuardOptions: 'lib/http/guard.ts',
  SqlStoreOptions: 'lib/stores/sql/open.ts',
  RedisStoreOptions: 'lib/stores/redis/options.ts',
  SmtpOptions: 'lib/mail/smtp-options.ts'
}

/** Where the guides have more to say. */
const guides = {
  FastifyUsersOptions: {
    users: 'users.md#stores',
    backends: 'backends.md',
    strategy: 'sessions.md#which-strategy',
    sessions: 'sessions.md#where-sessions-are-stored',
    limits: 'rate-limits.md#where-attempts-are-counted',
    throttle: '#throttle',
    fields: 'users.md#your-own-fields',
    passwords: '#passwords',
    trustedOrigins: 'cookies.md#a-page-on-another-origin',
    hooks: 'hooks-and-events.md',
    audit: 'hooks-and-events.md',
    routes: '#routes',
    routeOptions: '#routeoptions',
    concealAccounts: 'register.md',
    confirmEmailChange: 'me.md',
    freshSeconds: 'manage-users.md#a-fresh-proof',
    cacheSeconds: 'sessions.md#how-fast-it-is-seen',
    storeTimeoutMs: 'deploy.md#connections-and-time-outs',
    mails: '#mails',
    decorators: 'guards.md#other-names'
  },
  RouteGroups: { register: 'register.md', verify: 'verify.md', reset: 'reset-password.md', me: 'me.md', deleteMe: 'me.md', sessions: 'sessions.md#the-routes', users: 'manage-users.md' },
  PasswordOptions: { hasher: 'passwords.md#your-own-hasher', validatePassword: 'passwords.md#rules' }
}

/** A page with each of its tables as it has to be. They stand between `<!-- options: FastifyUsersOptions -->` and `<!-- /options -->`. */
export function withTables (text) {
  return text.replaceAll(/(<!-- options: (\w+) -->)[^]*?(<!-- \/options -->)/g, (_, begin, name, end) => `${begin}\n\n${tableOf(name)}\n\n${end}`)
}

/** Name, type, default and meaning of each option of an interface. */
export function optionsOf (name) {
  const file = files[name]
  const source = ts.createSourceFile(file, readFileSync(path.join(root, file), 'utf8'), ts.ScriptTarget.Latest, true)
  const found = source.statements.find((statement) => ts.isInterfaceDeclaration(statement) && statement.name.text === name)
  return found.members.map((member) => {
    const [comment] = ts.getJSDocCommentsAndTags(member)
    const tag = ts.getJSDocTags(member).find(({ tagName }) => tagName.text === 'defaultValue')
    const { meaning, byDefault } = split(oneLine(ts.getTextOfJSDocComment(comment?.comment)))
    const required = member.questionToken === undefined
    return {
      name: member.name.text,
      type: oneLine(member.type.getText()).replace(/ \| undefined$/, '').replace(/^\((\(.*\) => .*)\)$/, '$1'),
      byDefault: tag === undefined ? byDefault ?? (required ? 'required' : '–') : oneLine(ts.getTextOfJSDocComment(tag.comment)),
      meaning
    }
  })
}

/** Comments say "Default 3,600." or "Default: none." in a sentence of its own. */
function split (text) {
  const [sentence, , byDefault] = /Default( in [^:]+)?:? ((?:`[^`]*`|[^`])*?)\.(?= |$)/.exec(text) ?? []
  if (sentence === undefined) return { meaning: text }
  const [, where = ''] = /^Default( in [^:]+):/.exec(sentence) ?? []
  return { meaning: text.replace(sentence, '').replaceAll(/ {2,}/g, ' ').trim(), byDefault: `${where.trim()}${where === '' ? '' : ': '}${byDefault}` }
}

function tableOf (name) {
  const rows = optionsOf(name).map(({ name: option, type, byDefault, meaning }) => [linked(`\`${option}\``, guides[name]?.[option]), `\`${type}\``, byDefault, meaning].map((cell) => cell.replaceAll('|', '\\|')))
  return ['| option | type | default | meaning |', '|---|---|---|---|', ...rows.map((cells) => `| ${cells.join(' | ')} |`)].join('\n')
}

function linked (text, target) {
  return target === undefined ? text : `[${text}](${target})`
}

function oneLine (text = '') {
  return text.replaceAll(/\s+/g, ' ').trim()
}
