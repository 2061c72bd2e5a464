import { once } from '../once.js'

/** What people type when they are asked for something long. The list has little of it: it is meant to be used with such rules. */
const rows = ['0123456789'.repeat(3), 'abcdefghijklmnopqrstuvwxyz', 'qwertyuiopasdfghjklzxcvbnm', 'qwertzuiopasdfghjklyxcvbnm', 'azertyuiopqsdfghjklmwxcvbn']
  .flatMap((row) => [row, [...row].reverse().join('')])

/** One short text over and over. */
const repeated = /^(.{1,8})\1+$/us

const list = once(() => import('./common-list.js'))

/** Whether a password, in whatever case, is one of the commonest. One of several lines is not. */
export async function isCommon (password: string): Promise<boolean> {
  const key = password.toLowerCase()
  if (repeated.test(key) || rows.some((row) => row.includes(key))) return true
  const { commonList } = await list()
  return !key.includes('\n') && commonList.includes(`\n${key}\n`)
}
