/**
 * Runs a task until it is done, takes too long, or `controller` is aborted by somebody else. Whether the task heeds the
 * signal or not, it is not waited for any longer.
 */
export async function withTimeout (controller: AbortController, timeoutMs: number, task: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const { signal } = controller
  const timer = setTimeout(() => { controller.abort(Object.assign(new Error('It took too long.'), { name: 'TimeoutError', code: 'ETIMEDOUT' })) }, timeoutMs).unref()
  const aborted = new Promise<void>((resolve) => { signal.addEventListener('abort', () => { resolve() }) })
  try {
    await Promise.race([task(signal), aborted])
    signal.throwIfAborted()
  } finally {
    clearTimeout(timer)
  }
}
