// What is told to who needs an optional package and has not installed it. To import our own entry points never fails for that.
import { equal, match, rejects } from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { memory } from 'fastify-users'
import { redisSessions } from 'fastify-users/redis'
import { smtp } from 'fastify-users/smtp'
import { mysql, postgres, sqlite } from 'fastify-users/sql'
import { run } from './shared/journey.mjs'

const missing = (message) => ({ code: 'FST_USERS_BAD_OPTIONS', message })

await run({
  'a SQLite file without libsql' () {
    return rejects(sqlite('users.db'), missing('A SQLite file is opened with the package libsql, which is not installed: npm install libsql'))
  },
  'mails without nodemailer' () {
    return rejects(smtp({ url: 'smtp://127.0.0.1:25', from: 'Example <hello@example.com>' }), missing('smtp() needs the package nodemailer, which is not installed: npm install nodemailer'))
  },
  'another hasher without its package' () {
    return rejects(import('fastify-users/node-rs-argon2'), { code: 'ERR_MODULE_NOT_FOUND', message: /'@node-rs\/argon2'/ })
  },
  'a command line without a driver' () {
    for (const [database, name] of [['users.db', 'libsql'], ['postgres://127.0.0.1:1/x', 'pg'], ['mysql://127.0.0.1:1/x', 'mysql2']]) {
      const { status, stderr } = spawnSync('npx', ['--no-install', 'fastify-users', 'migrate', '--database', database], { encoding: 'utf8', shell: process.platform === 'win32' })
      equal(status, 1, stderr)
      match(stderr, new RegExp(`the package ${name}, which is not installed: npm install ${name}\n$`))
    }
  },
  'what needs none' () {
    for (const one of [memory, redisSessions, postgres, mysql]) equal(typeof one, 'function')
  }
})
