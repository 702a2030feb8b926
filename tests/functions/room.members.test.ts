import { describe, expect, it } from 'vitest'
import { useApp } from '../support/app.ts'

const app = useApp()

describe('room.members', () => {
  it('answers with everyone who joined', async () => {
    const room = await app.createRoom(['alice', 'bob', 'charlie'])

    const { members } = await app.call('room.members', { room }, 'functions')

    expect(members.toSorted()).toEqual(['alice', 'bob', 'charlie'])
  })

  it('keeps rooms apart whose names begin alike', async () => {
    const room = await app.createRoom(['alice'])
    const longer = await app.createRoom(['bob'])

    expect(await app.call('room.members', { room }, 'functions')).toEqual({ members: ['alice'] })
    expect(await app.call('room.members', { room: longer }, 'functions')).toEqual({
      members: ['bob'],
    })
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
    const room = await app.createRoom(['alice'])

    for (const subject of [`room.members.${room}`, `as.alice.room.members.${room}`])
      await expect(app.request(subject, '{}', 'alice')).rejects.toMatchObject({
        code: expect.stringMatching(/^(forbidden|unavailable)$/),
      })
  })
})
