/** What is used of an app: `app.inject`. */
interface Injectable {
  inject (request: { method?: 'GET' | 'POST', url: string, headers?: Record<string, string>, payload?: object }): Promise<Reply>
}

export interface Reply {
  readonly statusCode: number
  readonly headers: Record<string, unknown>
  readonly body: string
  json (): unknown
}

interface Journey {
  backend?: string
  prefix?: string
  url?: string
  user?: { email: string, password: string }
}

export const ann: { email: string, password: string }
export function run (checks: Record<string, () => unknown>): Promise<void>
export function journey (app: Injectable, journey?: Journey): Promise<Reply>
export function cookieOf (reply: Reply): string
