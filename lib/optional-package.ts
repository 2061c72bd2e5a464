import { BadOptionsError } from './errors.js'

/**
 * Loads a package that an application installs only if it needs what it is for.
 *
 * @param load `() => import('the-package')`
 * @param purpose the beginning of the sentence that tells the application what to install
 * @throws `FST_USERS_BAD_OPTIONS` if it is not installed
 */
export async function importOptional<T> (name: string, purpose: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    // A package that is there and broken says so itself.
    if ((error as { code?: string }).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new BadOptionsError(`${purpose} the package ${name}, which is not installed: npm install ${name}`)
  }
}
