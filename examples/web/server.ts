// Starts the site. `npm run example:web` builds it before; PORT says where (3000), Ctrl-C ends it.
import { createApp, superuser } from './app.js'

const { NODE_ENV, DATABASE, HOST: host = '127.0.0.1' } = process.env
const production = NODE_ENV === 'production'
if (!production && !['127.0.0.1', '::1', 'localhost'].includes(host)) {
  console.error('In development whoever reaches this site reads its mails and knows a superuser, so it is for this machine alone: leave HOST out, or set NODE_ENV=production.')
  process.exit(1)
}

const app = await createApp()
const port = Number(process.env.PORT ?? 3000)
const url = await app.listen({ host, port }).catch(async (error: NodeJS.ErrnoException) => {
  await app.close()
  if (error.code !== 'EADDRINUSE') throw error
  console.error(`Something else listens on port ${port}. Choose another one: PORT=${port + 1} npm run example:web`)
  process.exit(1)
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    await app.close()
    console.log('\nBye.')
  })
}

console.log(`Quay is open at ${url}`)
if (!production) {
  console.log(DATABASE === undefined
    ? `\nSign up, or log in as ${superuser.email} with the password "${superuser.password}".\nThey are a superuser.`
    : '\nSign up. docs/first-superuser.md tells how to make a superuser in your file.')
  console.log('Mails are caught, and stand at the foot of each page.')
}
console.log('\nCtrl-C ends it.')
