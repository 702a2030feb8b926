import { beforeAll, describe, expect, it } from 'vitest'
import { readPage } from '#domain/messages/history-page'
import { closeDb, db, migrate } from '#schema/db'
import type { ClientId, MessageId, RoomId, UserId } from '#schema/ids'
import { messages } from '#schema/tables/message'
import { useDatabase } from '../../support/database-fixture.ts'
import type { DatabaseKind } from '../../support/servers.ts'

const caller = 'alice' as UserId
const rooms = Array.from({ length: 40 }, (_, index) => `room-${index}` as RoomId)

describe.each<DatabaseKind>(['postgres', 'pglite'])('readPage, on %s', (kind) => {
  const database = useDatabase(kind)

  beforeAll(async () => {
    await migrate()
    const rows = rooms.flatMap((room, index) =>
      [1, 2, 3].map((nth) => messageOf(room, index * 10 + nth)),
    )
    await db.insert(messages).values(rows)
  })

  async function readAll() {
    const pages = await Promise.all(
      rooms.flatMap((room) => [
        readPage({ room, limit: 2, caller }),
        readPage({ room, after: 0, limit: 2, caller }),
      ]),
    )
    return pages.map(({ messages, before, after }) => ({
      seqs: messages.map(({ seq }) => seq),
      before,
      after,
    }))
  }

  const all = rooms.flatMap((_, index) => [
    { seqs: [index * 10 + 2, index * 10 + 3], before: true, after: false },
    { seqs: [index * 10 + 1, index * 10 + 2], before: false, after: true },
  ])

  it('returns only messages of the requested room during concurrent reads of many rooms', async () => {
    expect(await readAll()).toEqual(all)
    expect(await readAll()).toEqual(all)
  })

  it('works again after the database was killed and restarted', async () => {
    await readAll()
    await database().kill('SIGKILL')
    await expect(readAll()).rejects.toThrow()
    await database().restart()

    await expect.poll(() => readAll().catch(String), { timeout: 5_000 }).toEqual(all)
    expect(await readAll()).toEqual(all)
  })

  it('connects to the database again after closeDb', async () => {
    await readAll()
    await closeDb()

    expect(await readAll()).toEqual(all)
  })
})

function messageOf(room: RoomId, seq: number) {
  return {
    id: seq.toString(16).padStart(32, '0') as MessageId,
    room,
    seq,
    sender: caller,
    clientId: `client-${seq}` as ClientId,
    text: String(seq),
    at: new Date(),
  }
}
