// Starts the demo, makes a client of the document that it gives, compiles that, and lets it log in.
import { equal } from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'

const demo = spawn(process.execPath, ['build/demo/quickstart.js'], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, PORT: '0' } })
try {
  const url = await urlOf(demo)
  run('openapi-typescript', `${url}/docs/json`, '-o', 'src/api.d.ts')
  run('typescript/bin/tsc')
  // Not execFileSync: the demo must be read from meanwhile, or it waits for that.
  const client = spawn(process.execPath, ['build/test.js'], { stdio: 'inherit', env: { ...process.env, API_URL: url } })
  const [code] = await once(client, 'exit')
  equal(code, 0)
} finally {
  demo.kill('SIGTERM')
  await once(demo, 'exit')
}

/** Runs what an installed package brings. */
function run (file, ...args) {
  execFileSync(process.execPath, [`node_modules/${file.includes('/') ? file : `${file}/bin/cli.js`}`, ...args], { stdio: 'inherit' })
}

async function urlOf (demo) {
  let output = ''
  for await (const chunk of demo.stdout.iterator({ destroyOnReturn: false })) {
    output += chunk
    const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(output) ?? []
    if (url !== undefined && output.includes('Ctrl-C ends it.')) {
      demo.stdout.resume()
      return url
    }
  }
  throw new Error(`The demo has not started: ${output}`)
}
