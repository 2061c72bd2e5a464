/** The house: an import goes down a floor, or stays in its own room (see ARCHITECTURE.md). */
const floors = [
  '^lib/(index|plugin|fastify)\\.ts$|^lib/testing/',
  '^lib/(http/|cli/|(options|backend-options|field-options|mail-options|password-options|refresh-options|sender-options|route-options|throttle-options|option-checks|start-accounts|start-backends|start-limits)\\.ts$)',
  '^lib/(auth-cache|authenticator|backend|registrations)\\.ts$',
  '^lib/accounts/',
  '^lib/(mail|transports|strategies|stores)/',
  '^lib/(crypto|schemas|contracts|sessions)/|^lib/(answers|background|changes|deadline|foreign-error|sealed|email|errors|frozen-json|look-ups|maybe-promise|noting|once|optional-package|queue|rate-limiter|token-cache)\\.ts$'
]

const upward = floors.slice(1).map((from, index) => ({
  name: `no-import-upward-from-floor-${index + 1}`,
  comment: 'Imports run one way: down.',
  severity: 'error',
  from: { path: from },
  to: { path: floors.slice(0, index + 1).join('|') }
}))

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-orphans', severity: 'error', from: { orphan: true, pathNot: '^lib/(index|fastify)\\.ts$|^lib/contracts/' }, to: {} },
    { name: 'rooms-do-not-know-each-other', comment: 'A transport knows no strategy, a strategy no store.', severity: 'error', from: { path: '^lib/(mail|transports|strategies|stores)/' }, to: { path: '^lib/(mail|transports|strategies|stores)/', pathNot: '^lib/$1/' } },
    { name: 'no-app-runs-on-what-is-for-tests', severity: 'error', from: { path: '^lib/', pathNot: '^lib/testing/' }, to: { path: '^lib/testing/' } },
    ...upward,
    ...[
      ['argon2', '^lib/crypto/password\\.ts$'],
      ['@node-rs/argon2', '^lib/crypto/node-rs-argon2\\.ts$'],
      ['bcrypt', '^lib/crypto/imported-hashes\\.ts$'],
      ['@zxcvbn-ts/language-common', '^lib/accounts/common-list\\.ts$'],
      ['commander', '^lib/cli/index\\.ts$'],
      ['nodemailer', '^lib/mail/smtp\\.ts$'],
      ['@fastify/jwt', '^lib/(strategies/jwt-keys|fastify)\\.ts$'],
      ['@fastify/cookie', '^lib/(http/routes/index|transports/cookie|testing/transport-contract)\\.ts$'],
      ['ajv', '^lib/schemas/compile\\.ts$']
    ].map(([name, owner]) => ({ name: `one-owner-of-${name}`, comment: 'Each third-party package is imported by the file that owns it.', severity: 'error', from: { path: '^lib/', pathNot: owner }, to: { path: `node_modules/${name}/` } }))
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' }
  }
}
