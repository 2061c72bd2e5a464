/**
 * Writes the tables of docs/options.md: every option with its type, its default and what it means, as its comment in `lib/` says.
 *
 *     npm run docs:options
 */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { withTables } from './option-tables.js'

const page = path.join(import.meta.dirname, '../docs/options.md')
writeFileSync(page, withTables(readFileSync(page, 'utf8')))
