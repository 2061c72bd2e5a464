// Starts the site. `npm run example:web` builds it before; PORT says where (3000), Ctrl-C ends it.
import { createApp, superuser } from './app.js'

const app = await createApp()
const port = Number(process.env.PORT ?? 3000)
const url = await app.listen({ host: process.env.HOST ?? '127.0.0.1', port }).catch(async (error: NodeJS.ErrnoException) => {
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
if (process.env.NODE_ENV !== 'production') {
  console.log(`
Sign up, or log in as ${superuser.email} with the password "${superuser.password}".
They are a superuser. Mails are caught, and stand at the foot of each page.`)
}
console.log('\nCtrl-C ends it.')
