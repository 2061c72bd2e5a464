/** So many changes are known one by one. Then all that was looked up before counts as changed, and they need not be known any more. */
const maxChanges = 10_000

/**
 * Which users and sessions this process has changed, and when, counted in changes. One log for all registrations of the plugin: they
 * may share a store. Ids are random, so that those of two stores meet nowhere.
 */
const changedAt = new Map<string, number>()
let changes = 0
let allChangedAt = 0

/** Says that a user or a session, of this id, has changed, or may have. */
export function noteChange (id: string): void {
  changes++
  changedAt.set(id, changes)
  if (changedAt.size < maxChanges) return
  changedAt.clear()
  allChangedAt = changes
}

/** How many changes there have been. */
export function countChanges (): number {
  return changes
}

/** Whether a user or a session of this id has not changed since there had been so many changes. */
export function isUnchanged (id: string, since: number): boolean {
  return since >= allChangedAt && (changedAt.get(id) ?? 0) <= since
}
