/**
 * Tells which modules a process loads: `node --import ./test/helpers/watch-modules.js app.js` writes the URL of each, a line for each,
 * into the file that LOADED_MODULES names. Modules of Node itself are left out.
 */
import { appendFileSync } from 'node:fs'
import { createRequire, register } from 'node:module'
import { pathToFileURL } from 'node:url'

const { LOADED_MODULES: file } = process.env

register(import.meta.url)

/** Node calls it in the thread of its loader, for what is imported. */
export async function load (url, context, next) {
  if (url.startsWith('file:')) write([url])
  return await next(url, context)
}

// What a CommonJS module requires goes past the loader, but is kept.
process.once('exit', () => write(Object.keys(createRequire(import.meta.url).cache).map((path) => pathToFileURL(path).href)))

function write (urls) {
  appendFileSync(file, urls.map((url) => `${url}\n`).join(''))
}
