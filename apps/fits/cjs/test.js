const { deepEqual, equal, rejects } = require('node:assert/strict')
const fastifyUsers = require('fastify-users')
const buildApp = require('./app.js')
const { ann, journey, run } = require('./shared/journey.mjs')

test()

async function test () {
  const app = await buildApp()
  await app.ready()
  await app.users.create(ann)

  await run({
    'by a bearer token': () => journey(app),
    'by a cookie': () => journey(app, { backend: 'cookie' }),
    'require() gives the plugin, which has every export' () {
      equal(typeof fastifyUsers, 'function')
      equal(fastifyUsers.default, fastifyUsers)
      equal(fastifyUsers.fastifyUsers, fastifyUsers)
    },
    async 'they are those of import' () {
      const { 'module.exports': required, ...names } = await import('fastify-users')
      equal(required, fastifyUsers)
      deepEqual(Object.fromEntries(Object.keys(names).map((name) => [name, fastifyUsers[name]])), names)
    },
    'so do the other entry points' () {
      equal(typeof require('fastify-users/sql').sqlite, 'function')
      equal(typeof require('fastify-users/redis').redisSessions, 'function')
      equal(typeof require('fastify-users/smtp').smtp, 'function')
      equal(typeof require('fastify-users/testing').createUser, 'function')
      equal(require('fastify-users/package.json').name, 'fastify-users')
    },
    'errors are of one class, whoever loads them' () {
      return rejects(async () => require('fastify-users/sql').sqlite(''), fastifyUsers.errors.BadOptionsError)
    }
  })
  await app.close()
}
