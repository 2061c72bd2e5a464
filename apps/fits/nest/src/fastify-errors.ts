import { STATUS_CODES } from 'node:http'
import { Catch, type ArgumentsHost } from '@nestjs/common'
import { BaseExceptionFilter } from '@nestjs/core'
import type { FastifyReply } from 'fastify'

interface FastifyPluginError {
  statusCode?: number
  code?: string
  message?: string
  headers?: Record<string, string>
}

/** What plugins of Fastify refuse keeps its code and its headers. Nest alone drops both, and logs some of it as an error. */
@Catch()
export class FastifyErrors extends BaseExceptionFilter {
  override catch (exception: FastifyPluginError & { cause?: FastifyPluginError }, host: ArgumentsHost): void {
    // What comes from a hook or a route of Fastify, Nest has put into an exception of its own.
    const { statusCode = 500, code, message, headers = {} } = exception.cause ?? exception
    if (statusCode === 500 || code === undefined) {
      super.catch(exception, host)
      return
    }
    const reply = host.switchToHttp().getResponse<FastifyReply>()
    reply.code(statusCode).headers(headers).send({ statusCode, code, error: STATUS_CODES[statusCode], message })
  }
}
