import { dictionary } from '@zxcvbn-ts/language-common'
import { passwordRule } from '../schemas/password.js'

/**
 * The commonest passwords, in lower case, each between two line feeds: one text takes a tenth of the memory of so many. Those that
 * are too short for any app are left out. The build writes the text down, so the list is no dependency of the package.
 */
export const commonList = `\n${dictionary['passwords-common'].filter((password) => password.length >= passwordRule.minLength).join('\n')}\n`
