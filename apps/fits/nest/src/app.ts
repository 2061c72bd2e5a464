import 'reflect-metadata'
import { Body, Controller, Get, Injectable, Module, Post, Req, UseGuards } from '@nestjs/common'
import { APP_FILTER, HttpAdapterHost, NestFactory } from '@nestjs/core'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fastifyUsers, { bearer, cookie, memory, opaque, type User } from 'fastify-users'
import { FastifyErrors } from './fastify-errors.js'
import { LoggedIn } from './logged-in.js'

@Injectable()
class Accounts {
  constructor (private readonly host: HttpAdapterHost) {}

  /** app.users, in a service. */
  async count (): Promise<number> {
    const { items } = await this.host.httpAdapter.getInstance<FastifyInstance>().users.list()
    return items.length
  }
}

@Controller()
class Pages {
  constructor (private readonly accounts: Accounts) {}

  @Get('me')
  @UseGuards(LoggedIn)
  me (@Req() request: FastifyRequest): User {
    return request.user
  }

  @Get('count')
  async count (): Promise<{ users: number }> {
    return { users: await this.accounts.count() }
  }

  @Post('echo')
  echo (@Body() body: object): object {
    return body
  }

  @Get('admin/me')
  admin (@Req() request: FastifyRequest): User {
    return request.user
  }
}

@Module({ controllers: [Pages], providers: [LoggedIn, Accounts, { provide: APP_FILTER, useClass: FastifyErrors }] })
class AppModule {}

export async function buildApp (): Promise<NestFastifyApplication> {
  const app = await NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter(), { logger: ['error', 'warn'] })
  // Before init(), which adds the routes of the controllers.
  await app.register(fastifyUsers, {
    users: memory(),
    strategy: opaque(),
    backends: [cookie(), bearer()],
    routes: { register: true, me: true }
  })

  // A hook of Fastify for a part of the app, instead of a guard of Nest at each controller.
  const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance
  const guard = fastify.authenticate()
  fastify.addHook('onRequest', async (request, reply) => {
    if (request.url.startsWith('/admin/')) await guard(request, reply)
  })
  await app.init()
  await fastify.ready()
  return app
}
