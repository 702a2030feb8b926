import { describe, expect, it } from 'vitest'
import { newRoomId, useApp } from '../support/app.ts'

const app = useApp()

describe('room.members', () => {
  it('returns all members', async () => {
    const room = await app.createRoom(['alice', 'bob', 'charlie'])

    const { members } = await app.call('room.members', { room }, 'functions')

    expect(members.toSorted()).toEqual(['alice', 'bob', 'charlie'])
  })

  it('returns the members of the given room only', async () => {
    const room = await app.createRoom(['alice'])
    const longer = await app.createRoom(['bob'])

    expect(await app.call('room.members', { room }, 'functions')).toEqual({ members: ['alice'] })
    expect(await app.call('room.members', { room: longer }, 'functions')).toEqual({
      members: ['bob'],
    })
  })

  it('returns no members for an unknown room', async () => {
    const room = newRoomId()

    expect(await app.call('room.members', { room }, 'functions')).toEqual({ members: [] })
  })

  it('rejects a malformed room id as invalid', async () => {
    await expect(app.call('room.members', { room: 'Upper' }, 'functions')).rejects.toMatchObject({
      code: 'invalid',
    })
  })

  it("rejects calls by users, both on the subject of the function and on a subject with the user's id", async () => {
    const room = await app.createRoom(['alice'])

    for (const subject of [`room.members.${room}`, `as.alice.room.members.${room}`])
      await expect(app.request(subject, '{}', 'alice')).rejects.toMatchObject({
        code: expect.stringMatching(/^(forbidden|unavailable)$/),
      })
  })
})
