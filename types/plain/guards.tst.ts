// Guards fit wherever Fastify takes a hook of a request, and leave alone what the compiler infers of a route.
import fastifyAuth from '@fastify/auth'
import { Type, type FastifyPluginAsyncTypebox, type TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify from 'fastify'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest, onRequestHookHandler, preHandlerAsyncHookHandler, preHandlerHookHandler } from 'fastify'
import type { FastifyPluginAsyncZod, ZodTypeProvider } from 'fastify-type-provider-zod'
import type { BaseUser, Guard } from 'fastify-users'
import { describe, expect, test } from 'tstyche'
import { z } from 'zod'

describe('in a plain app', () => {
  const app = Fastify()

  test('beside the generics of a route', () => {
    app.get<{ Params: { id: string } }>('/users/:id', { preHandler: app.authenticate() }, async (request, reply) => {
      expect(request.params).type.toBe<{ id: string }>()
      expect(request.user).type.toBe<BaseUser>()
      expect(reply.statusCode).type.toBe<number>()
      return request.params.id
    })
    app.post<{ Params: { id: string }, Querystring: { page?: number }, Headers: { 'x-trace': string }, Body: { title: string }, Reply: { done: boolean } }>('/users/:id/posts', { onRequest: app.authenticate({ verified: true }) }, async (request, reply) => {
      expect(request.params).type.toBe<{ id: string }>()
      expect(request.query).type.toBe<{ page?: number }>()
      expect(request.headers['x-trace']).type.toBe<string>()
      expect(request.body).type.toBe<{ title: string }>()
      expect(request.user).type.toBe<BaseUser>()
      expect(reply.send).type.toBeCallableWith({ done: true })
      expect(reply.send({ done: 'yes' })).type.toRaiseError("Type 'string' is not assignable to type 'boolean'")
      return { done: true }
    })
    app.get('/', { preHandler: app.authenticate() }, async (request) => {
      expect(request.body).type.toBe<unknown>()
      expect(request.params).type.toBe<unknown>()
      return null
    })
  })

  test('in every hook that comes before the handler', () => {
    app.get<{ Params: { id: string } }>('/:id', { onRequest: app.authenticate() }, async (request) => request.params.id)
    app.get<{ Params: { id: string } }>('/:id', { preValidation: app.authenticate() }, async (request) => request.params.id)
    app.get<{ Params: { id: string } }>('/:id', { preHandler: app.authenticate() }, async (request) => request.params.id)
    expect(app.get('/', { preParsing: app.authenticate() }, async () => null)).type.toRaiseError("Type 'Guard' is not assignable to type")
    expect(app.get('/', { preSerialization: app.authenticate() }, async () => null)).type.toRaiseError("Type 'Guard' is not assignable to type")
    expect(app.get('/', { onSend: app.authenticate() }, async () => null)).type.toRaiseError("Type 'Guard' is not assignable to type")
    // The function that makes guards is none.
    expect(app.get('/', { preHandler: app.authenticate }, async () => null)).type.toRaiseError("'Authenticate' is not assignable to")
  })

  test('in the hooks of a scope', () => {
    app.addHook('onRequest', app.authenticate())
    app.addHook('preValidation', app.authenticate())
    app.addHook('preHandler', app.authenticate({ superuser: true }))
    app.register(async (scope) => {
      scope.addHook('onRequest', scope.authenticate())
      scope.get<{ Params: { id: string } }>('/:id', async (request) => {
        expect(request.params).type.toBe<{ id: string }>()
        expect(request.user).type.toBe<BaseUser>()
        return request.user.id
      })
    })
  })

  test('in lists', () => {
    const guard = app.authenticate()
    app.get<{ Params: { id: string } }>('/:id', { preHandler: [guard] }, async (request) => {
      expect(request.params).type.toBe<{ id: string }>()
      return request.params.id
    })
    app.get<{ Params: { id: string } }>('/:id', {
      onRequest: [app.authenticate(), app.authenticate({ verified: true })],
      preHandler: [
        async (request, reply) => {
          expect(request.params).type.toBe<{ id: string }>()
          expect(request.user).type.toBe<BaseUser>()
          if (request.params.id !== request.user.id) await reply.code(403).send()
        },
        guard
      ]
    }, async (request) => {
      expect(request.params).type.toBe<{ id: string }>()
      return request.params.id
    })
  })

  test('beside hooks of the app, typed beforehand', () => {
    const callback: preHandlerHookHandler = (_request, _reply, done) => done()
    const promise: preHandlerAsyncHookHandler = async (request) => {
      expect(request.user).type.toBe<BaseUser>()
    }
    app.get('/', { preHandler: [app.authenticate(), callback, promise] }, async (request) => request.user)
  })

  test('in route(), and for HEAD', () => {
    app.route<{ Params: { id: string } }>({
      method: ['GET', 'HEAD'],
      url: '/:id',
      onRequest: app.authenticate(),
      preHandler: [app.authenticate()],
      async handler (request, reply) {
        expect(request.params).type.toBe<{ id: string }>()
        expect(request.user).type.toBe<BaseUser>()
        return reply.send()
      }
    })
    app.head<{ Querystring: { q: string } }>('/', { preHandler: app.authenticate() }, async (request) => {
      expect(request.query).type.toBe<{ q: string }>()
      return null
    })
    app.all('/all', { preHandler: app.authenticate() }, (request, reply) => { reply.send(request.user) })
    app.get('/handler', { preHandler: app.authenticate(), handler: async (request) => request.user })
  })

  test('in a plugin of the app', () => {
    const routes: FastifyPluginAsync<{ title: string }> = async (scope, { title }) => {
      scope.get<{ Params: { id: string } }>('/:id', { preHandler: scope.authenticate() }, async (request) => {
        expect(request.params).type.toBe<{ id: string }>()
        expect(request.user).type.toBe<BaseUser>()
        return title
      })
    }
    app.register(routes, { title: 'x' })
  })

  test('in app.auth() of @fastify/auth', () => {
    app.register(fastifyAuth)
    app.get<{ Params: { id: string } }>('/:id', { preHandler: app.auth([app.authenticate()]) }, async (request) => {
      expect(request.params).type.toBe<{ id: string }>()
      expect(request.user).type.toBe<BaseUser>()
      return request.params.id
    })
    app.get<{ Params: { id: string } }>('/:id', {
      onRequest: app.auth([app.authenticate({ backends: ['x'] }), [app.authenticate({ verified: true }), app.authenticate({ superuser: true })]], { relation: 'and', run: 'all' }),
      preHandler: [app.authenticate(), app.auth([app.authenticate(), (_request, _reply, done) => done()])]
    }, async (request) => {
      expect(request.params).type.toBe<{ id: string }>()
      return request.params.id
    })
    app.addHook('preHandler', app.auth([app.authenticate()]))
  })

  test('by hand', () => {
    expect(app.authenticate()).type.toBe<Guard>()
    expect<Guard>().type.toBeAssignableTo<onRequestHookHandler>()
    expect<Guard>().type.toBeAssignableTo<preHandlerHookHandler>()
    expect<Guard>().type.toBeCallableWith({} as FastifyRequest, {} as FastifyReply, (error?: Error) => { if (error) throw error })
    expect<ReturnType<Guard>>().type.toBe<void>()
    expect<Guard>().type.toBeCallableWith({} as FastifyRequest, {} as FastifyReply)
    expect(app.authenticate()({} as FastifyRequest, {} as FastifyReply)).type.toBe<Promise<void>>()
  })
})

describe('in an app with TypeBox', () => {
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
  const schema = {
    params: Type.Object({ id: Type.String() }),
    querystring: Type.Object({ page: Type.Optional(Type.Integer()) }),
    headers: Type.Object({ 'x-trace': Type.String() }),
    body: Type.Object({ title: Type.String(), tags: Type.Array(Type.String()) }),
    response: { 200: Type.Object({ id: Type.String() }) }
  }
  type Body = { title: string, tags: string[] }

  test('in preHandler', () => {
    app.post('/:id', { preHandler: app.authenticate(), schema }, async (request, reply) => {
      expect(request.params).type.toBe<{ id: string }>()
      expect(request.query).type.toBe<{ page?: number }>()
      expect(request.headers['x-trace']).type.toBe<string>()
      expect(request.body).type.toBe<Body>()
      expect(request.user).type.toBe<BaseUser>()
      expect(reply.send({ id: 1 })).type.toRaiseError("Type 'number' is not assignable to type 'string'")
      return request.user
    })
  })

  test('in onRequest, and before the schema or behind it', () => {
    app.post('/:id', { onRequest: app.authenticate(), schema }, async (request) => {
      expect(request.body).type.toBe<Body>()
      return request.params
    })
    app.post('/:id', { schema, preValidation: app.authenticate() }, async (request) => {
      expect(request.body).type.toBe<Body>()
      return request.params
    })
  })

  test('in lists', () => {
    app.post('/:id', {
      schema,
      onRequest: [app.authenticate()],
      preHandler: [
        app.authenticate(),
        async (request) => {
          expect(request.body).type.toBe<Body>()
          expect(request.user).type.toBe<BaseUser>()
        }
      ]
    }, async (request) => {
      expect(request.body).type.toBe<Body>()
      expect(request.user).type.toBe<BaseUser>()
      return request.params
    })
  })

  test('in route(), and in a scope', () => {
    app.route({
      method: 'POST',
      url: '/:id',
      schema,
      preHandler: app.authenticate(),
      handler: async (request) => {
        expect(request.body).type.toBe<Body>()
        expect(request.user).type.toBe<BaseUser>()
        return request.params
      }
    })
    app.addHook('onRequest', app.authenticate())
    const routes: FastifyPluginAsyncTypebox = async (scope) => {
      scope.addHook('onRequest', scope.authenticate())
      scope.post('/:id', { preHandler: scope.authenticate(), schema }, async (request) => {
        expect(request.body).type.toBe<Body>()
        expect(request.user).type.toBe<BaseUser>()
        return request.params
      })
    }
    app.register(routes)
  })

  test('in app.auth() of @fastify/auth', () => {
    app.post('/:id', { preHandler: app.auth([app.authenticate()]), schema }, async (request) => {
      expect(request.user).type.toBe<BaseUser>()
      expect(request.body).type.toBe<Body>()
      return request.params
    })
  })
})

describe('in an app with Zod', () => {
  const app = Fastify().withTypeProvider<ZodTypeProvider>()
  const schema = {
    params: z.object({ id: z.string() }),
    querystring: z.object({ page: z.coerce.number().default(1) }),
    body: z.object({ title: z.string(), tags: z.array(z.string()) }),
    response: { 200: z.object({ id: z.string() }) }
  }
  type Body = { title: string, tags: string[] }

  test('in preHandler', () => {
    app.post('/:id', { preHandler: app.authenticate(), schema }, async (request, reply) => {
      expect(request.params).type.toBe<{ id: string }>()
      expect(request.query).type.toBe<{ page: number }>()
      expect(request.body).type.toBe<Body>()
      expect(request.user).type.toBe<BaseUser>()
      expect(reply.send({ id: 1 })).type.toRaiseError("Type 'number' is not assignable to type 'string'")
      return request.user
    })
  })

  test('in onRequest, and before the schema or behind it', () => {
    app.post('/:id', { onRequest: app.authenticate(), schema }, async (request) => {
      expect(request.body).type.toBe<Body>()
      return request.params
    })
    app.post('/:id', { schema, preValidation: app.authenticate() }, async (request) => {
      expect(request.body).type.toBe<Body>()
      return request.params
    })
  })

  test('in lists', () => {
    app.post('/:id', {
      schema,
      onRequest: [app.authenticate()],
      preHandler: [
        app.authenticate(),
        async (request) => {
          expect(request.body).type.toBe<Body>()
          expect(request.user).type.toBe<BaseUser>()
        }
      ]
    }, async (request) => {
      expect(request.body).type.toBe<Body>()
      expect(request.user).type.toBe<BaseUser>()
      return request.params
    })
  })

  test('in route(), and in a scope', () => {
    app.route({
      method: 'POST',
      url: '/:id',
      schema,
      preHandler: app.authenticate(),
      handler: async (request) => {
        expect(request.body).type.toBe<Body>()
        expect(request.user).type.toBe<BaseUser>()
        return request.params
      }
    })
    app.addHook('onRequest', app.authenticate())
    const routes: FastifyPluginAsyncZod = async (scope) => {
      scope.addHook('onRequest', scope.authenticate())
      scope.post('/:id', { preHandler: scope.authenticate(), schema }, async (request) => {
        expect(request.body).type.toBe<Body>()
        expect(request.user).type.toBe<BaseUser>()
        return request.params
      })
    }
    app.register(routes)
  })

  test('in app.auth() of @fastify/auth', () => {
    app.post('/:id', { preHandler: app.auth([app.authenticate()]), schema }, async (request) => {
      expect(request.user).type.toBe<BaseUser>()
      expect(request.body).type.toBe<Body>()
      return request.params
    })
  })
})
