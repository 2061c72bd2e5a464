import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common'
import { HttpAdapterHost } from '@nestjs/core'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Guard } from 'fastify-users'

/** A guard of Nest: `@UseGuards(LoggedIn)`. It rejects with what the client is to be told. */
@Injectable()
export class LoggedIn implements CanActivate {
  #guard: Guard | undefined

  constructor (private readonly host: HttpAdapterHost) {}

  async canActivate (context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp()
    this.#guard ??= this.host.httpAdapter.getInstance<FastifyInstance>().authenticate()
    await this.#guard(http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>())
    return true
  }
}
