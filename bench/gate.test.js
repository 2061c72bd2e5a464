// npm run bench:test, about half a minute. It measures, so it wants a machine that is not too busy.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { contenders } from './contenders.js'
import { accept, compare } from './gate.js'
import { measureAll } from './measure.js'
import { killServers } from './server-process.js'
import { makePlace } from './stores.js'

const row = { name: 'somebody', ratio: 0.85, floorRatio: 0.97, cpuRatio: 0.85, cpuFloorRatio: 0.97, cpuSpread: 0.05, cpuFloorSpread: 0.04 }
const texts = (failures) => failures.map(({ text }) => text)

test('a figure may fall by the noise that was measured when it was accepted, and by no more', () => {
  const accepted = accept([row])
  assert.deepEqual(compare([{ ...row, cpuFloorRatio: 0.94 }], accepted, ['somebody']), [])
  assert.deepEqual(texts(compare([{ ...row, cpuFloorRatio: 0.93 }], accepted, ['somebody'])), [
    'somebody: 0.930 of the floor, by CPU time, was 0.970, and 0.931 is the least'
  ])
})

test('a quiet run leaves 3 % all the same, a noisy one no more than 10 %', () => {
  const least = (cpuFloorSpread) => (cpuFloorRatio) => compare([{ ...row, cpuFloorRatio }], accept([{ ...row, cpuFloorRatio: 1, cpuFloorSpread }]), ['somebody']).length === 0
  assert.deepEqual([0.98, 0.96].map(least(0.001)), [true, false])
  assert.deepEqual([0.91, 0.89].map(least(0.5)), [true, false])
})

test('who has no floor is held by bare Fastify; requests per second have no say', () => {
  const open = { ...row, floorRatio: null, cpuFloorRatio: null, cpuFloorSpread: null }
  const accepted = accept([open])
  assert.deepEqual(compare([{ ...open, ratio: 0.1 }], accepted, ['somebody']), [])
  assert.deepEqual(texts(compare([{ ...open, cpuRatio: 0.8 }], accepted, ['somebody'])), [
    'somebody: 0.800 of bare Fastify, by CPU time, was 0.850, and 0.807 is the least'
  ])
})

test('who was not measured, or not accepted, does not pass', () => {
  assert.deepEqual(texts(compare([], accept([row]), ['somebody'])), ['somebody: was not measured'])
  assert.deepEqual(texts(compare([row], {}, ['somebody'])), ['somebody: is not in accepted.json, which npm run bench -- --accept writes'])
})

test('somebody who is slow on purpose does not pass', { timeout: 120_000 }, async () => {
  const place = makePlace()
  after(async () => {
    killServers()
    await place.clear()
  })
  const floor = contenders.find(({ name }) => name === 'floor bearer jwt')
  const twin = { ...floor, name: 'as it was', floor: floor.name }
  const slow = { ...twin, name: 'as it is', server: 'slow', with: { wasteMicroseconds: 4 } }

  const rows = await measureAll([floor, twin, slow], place, { rounds: 11, seconds: 0.3, quick: true })
  const [before, now] = ['as it was', 'as it is'].map((name) => rows.find((row) => row.name === name))
  assert.deepEqual(texts(compare([before], accept([before]), [before.name])), [])
  assert.match(texts(compare([now], { [now.name]: accept([before])[before.name] }, [now.name])).join(), /^as it is: 0\.\d+ of the floor, by CPU time, was /)
})
