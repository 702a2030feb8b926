import { jetstreamManager } from '@nats-io/jetstream'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { RoomId, UserId } from '#schema/ids'
import { deliverTyping } from '#schema/messages/presence'
import { ROOMS_KV } from '#schema/streams'
import { useApp } from '../harness.ts'

const app = useApp()

describe('room.members', () => {
  it('answers with everyone who joined', async () => {
    const room = await app.givenRoom(['alice', 'bob', 'charlie'])

    const { members } = await app.call('room.members', { room }, 'functions')

    expect(members.toSorted()).toEqual(['alice', 'bob', 'charlie'])
  })

  it('keeps rooms apart whose names begin alike', async () => {
    const room = await app.givenRoom(['alice'])
    const longer = await app.givenRoom(['bob'])

    expect(await app.call('room.members', { room }, 'functions')).toEqual({ members: ['alice'] })
    expect(await app.call('room.members', { room: longer }, 'functions')).toEqual({
      members: ['bob'],
    })
  })

  it('answers in parts where there are too many for one answer, and all are told', async () => {
    const room = await app.givenRoom(['alice'], 'private')
    const crowd = await givenCrowd(room, 16_000)
    const last = crowd.at(-1) as UserId

    const first = await app.call('room.members', { room }, 'functions')
    const rest = await app.call('room.members', { room, after: first.next }, 'functions')
    const told = await app.listen(deliverTyping, { user: last, room }, 'functions')
    await app.call('typing', { room }, 'alice')

    expect(first.members.length).toBeGreaterThan(10_000)
    expect(rest.next).toBeUndefined()
    expect([...first.members, ...rest.members]).toEqual(['alice', ...crowd])
    expect(await told.next()).toMatchObject({ userId: 'alice' })
  })

  it('answers with nobody where there is no room', async () => {
    const room = `room-${crypto.randomUUID()}`

    expect(await app.call('room.members', { room }, 'functions')).toEqual({ members: [] })
  })

  it('refuses what is no id of a room', async () => {
    await expect(app.call('room.members', { room: 'Upper' }, 'functions')).rejects.toMatchObject({
      code: 'invalid',
    })
  })

  it('is out of the reach of people, under its own name and under theirs', async () => {
    const room = await app.givenRoom(['alice'])

    for (const subject of [`room.members.${room}`, `as.alice.room.members.${room}`])
      await expect(app.ask(subject, '{}', 'alice')).rejects.toMatchObject({
        code: expect.stringMatching(/^(forbidden|unavailable)$/),
      })
  })
})

/** So many people with long ids in the live index, in their order. */
async function givenCrowd(room: RoomId, count: number): Promise<UserId[]> {
  const { nc } = await app.connectAs('functions')
  const { streams } = await jetstreamManager(nc)
  const users = Array.from(
    { length: count },
    (_, at) => `user-${at}`.padEnd(11, '-').padEnd(64, 'x') as UserId,
  ).sort()
  const prefix = `$KV.${ROOMS_KV.bucket}.${room}.`
  for (const user of users)
    nc.publish(prefix + user, JSON.stringify({ kind: 'private', role: 'member' }))
  const filter = `${prefix}*`
  onTestFinished(async () => {
    await streams.purge(`KV_${ROOMS_KV.bucket}`, { filter })
  })
  const kept = async () => {
    const info = await streams.info(`KV_${ROOMS_KV.bucket}`, { subjects_filter: filter })
    return Object.keys(info.state.subjects ?? {}).length
  }
  await expect.poll(kept).toBe(count + 1)
  return users
}
