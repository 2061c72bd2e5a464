// As the READMEs of passport and passport-jwt show it, on Express 5.
import express from 'express'
import jsonwebtoken from 'jsonwebtoken'
import passport from 'passport'
import { ExtractJwt, Strategy } from 'passport-jwt'
import { asBearer, claimsOf, credentialsOf, makeUsers, secret, serveAt } from '../serve.js'

const users = makeUsers()
const byId = new Map(users.map((user) => [user.id, user]))
const app = express()

passport.use(new Strategy({
  jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
  secretOrKey: secret,
  algorithms: ['HS256'],
  audience: 'bearer'
}, (payload, done) => done(null, byId.get(payload.sub) ?? false)))

app.get('/me', passport.authenticate('jwt', { session: false }), (request, response) => {
  response.json(request.user)
})

const tokens = users.map((user) => jsonwebtoken.sign(claimsOf(user, 'bearer'), secret))
const server = app.listen(0, '127.0.0.1', () => {
  serveAt(server.address().port, credentialsOf(users, tokens, asBearer))
})
