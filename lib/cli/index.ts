#!/usr/bin/env node
import { createRequire } from 'node:module'
import { Command, Option } from 'commander'
import { createUser, type CreateUserOptions } from './create-user.js'
import type { DatabaseOptions } from './database.js'
import { listUsers, type ListUsersOptions } from './list-users.js'
import { migrate } from './migrate.js'
import { revokeSessions } from './revoke-sessions.js'
import { run } from './run.js'
import { secret, type SecretOptions } from './secret.js'
import { unlock } from './unlock.js'

// Two folders up from here, as the source and as the build.
const { version } = createRequire(import.meta.url)('../../package.json') as { version: string }
const program = new Command('fastify-users')
  .version(version)
  .description('Looks after the users of an app with fastify-users.')
  .showHelpAfterError('(add --help for the options)')

program.command('secret')
  .description('Prints a new secret for jwt({ secret }).')
  .addOption(new Option('--bytes <number>', 'how many random bytes, from 32 to 1024').default(48).argParser(Number))
  .action((options: SecretOptions) => act(() => secret(options, process)))

onDatabase('migrate', 'Makes the tables, or brings them up to date, and says what it did.')
  .action((options: DatabaseOptions) => act(() => migrate(options, process)))

onMigratedDatabase('create-user', 'Adds a user and prints the id. Asks for the password; where stdin is no terminal, its first line is the password.')
  .argument('<email>', 'the e-mail address')
  .option('--superuser', 'may do everything; the address then counts as verified')
  .option('--verified', 'the address is known to be the user\'s')
  .option('--inactive', 'cannot log in yet')
  .option('--no-password', 'has no password: it can be set by a mailed link, say')
  .option('--fields <json>', 'fields of your app, such as \'{"nickname":"Ann"}\'; stored as given, as your app\'s schema is not known here')
  .action((email: string, options: CreateUserOptions) => act(() => createUser({ ...options, email }, process)))

onMigratedDatabase('list-users', 'Prints the users, the oldest first.')
  .option('--email <part>', 'only those whose address holds this text')
  .option('--superusers', 'only superusers')
  .option('--json', 'one JSON object a line, with the fields of your app')
  .addOption(new Option('--limit <number>', 'at most so many (default: all)').argParser(Number))
  .action((options: ListUsersOptions) => act(() => listUsers(options, process)))

onMigratedDatabase('revoke-sessions', 'Ends all sessions of a user, at once and everywhere.')
  .argument('<email>', 'the e-mail address')
  .action((email: string, options: DatabaseOptions) => act(() => revokeSessions({ ...options, email }, process)))

onMigratedDatabase('unlock', 'Lets a user log in at once whose password was guessed at too often.')
  .argument('<email>', 'the e-mail address')
  .action((email: string, options: DatabaseOptions) => act(() => unlock({ ...options, email }, process)))

await program.parseAsync()

function onDatabase (name: string, description: string): Command {
  return program.command(name)
    .description(description)
    .addOption(new Option('--database <url>', 'path of a SQLite file, postgres://… or mysql://…').env('DATABASE_URL'))
    .option('--table-prefix <name>', 'the tablePrefix of your app\'s store', 'fastify_users')
}

function onMigratedDatabase (name: string, description: string): Command {
  return onDatabase(name, description).option('--no-migrate', 'only check the tables, and leave them as they are')
}

async function act (work: () => Promise<void>): Promise<void> {
  process.exitCode = await run(work, process)
}
