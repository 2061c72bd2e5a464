import type { Hooks } from './contracts/hooks.js'
import type { MailOptions } from './mail-options.js'
import type { RouteGroups } from './route-options.js'

/** The options of the plugin that have to do with it. */
interface Options {
  readonly routes?: RouteGroups | undefined
  readonly confirmEmailChange?: boolean | undefined
  readonly concealAccounts?: boolean | undefined
  readonly hooks?: Hooks | undefined
  readonly mails?: MailOptions | undefined
}

/** Who sends what has to be sent, where there is no mailer. */
const senders = [
  { option: 'routes.verify', isOn: ({ routes }: Options) => routes?.verify === true, hook: 'onAfterRequestVerify' },
  { option: 'routes.reset', isOn: ({ routes }: Options) => routes?.reset === true, hook: 'onAfterForgotPassword' },
  { option: 'confirmEmailChange', isOn: ({ confirmEmailChange }: Options) => confirmEmailChange === true, hook: 'onAfterRequestEmailChange' }
] as const

/** A link that nobody mails would be noticed late, and by those who need it. */
export function senderProblems (options: Options): string[] {
  if (options.mails?.mailer !== undefined) return []
  const concealed = options.concealAccounts === true ? ['options.concealAccounts needs mails.mailer: who has an account already is told by mail'] : []
  const missing = senders.filter(({ isOn, hook }) => isOn(options) && options.hooks?.[hook] === undefined)
  return [...missing.map(({ option, hook }) => `options.${option} needs mails.mailer, or hooks.${hook}, in production: nobody would send the link`), ...concealed]
}

/** Whether the application has hooks of its own for tokens, and so sends them by itself. */
export function sendsByItself (hooks: Hooks): boolean {
  return senders.some(({ hook }) => hooks[hook] !== undefined)
}
