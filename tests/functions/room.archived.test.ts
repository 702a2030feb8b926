import { describe, expect, it } from 'vitest'
import { type TestPerson, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

async function readArchived(as: TestPerson): Promise<string[]> {
  const { rooms } = await app.call('room.archived', {}, as)
  return rooms.map(({ id }) => id)
}

describe('room.archived', () => {
  it.each(['public', 'private'] as const)(
    'returns an archived %s room to its owner until it is restored, and to no other user',
    async (kind) => {
      const room = await app.createRoom(['alice', 'bob'], kind, { alice: 'owner' })
      expect(await readArchived('alice')).not.toContain(room)

      await app.call('room.archive', { room }, 'alice')

      const { rooms } = await app.call('room.archived', {}, 'alice')
      expect(rooms).toContainEqual({ id: room, name: 'A room', kind })
      expect(await readArchived('bob')).not.toContain(room)
      await app.call('room.archive', { room, archived: false }, 'alice')
      expect(await readArchived('alice')).not.toContain(room)
    },
  )

  it('rejects a caller without the role user as forbidden', async () => {
    await expect(readArchived('charlie')).rejects.toMatchObject({ code: 'forbidden' })
  })

  it.each(badPayloads({}))('rejects invalid input: %s', async (_name, payload) => {
    const { status } = await app.request('as.alice.room.archived', payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
