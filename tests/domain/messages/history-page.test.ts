import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readPage } from '#domain/messages/history-page'
import { closeDb, db, migrate } from '#schema/db'
import type { ClientId, MessageId, RoomId, UserId } from '#schema/ids'
import { messages } from '#schema/tables/message'
import type { ProcessService } from '../../../stack/services/service.ts'
import { type DatabaseKind, startDatabase } from '../../support/servers.ts'

const caller = 'alice' as UserId
const rooms = Array.from({ length: 40 }, (_, index) => `room-${index}` as RoomId)

describe.each<DatabaseKind>(['postgres', 'pglite'])('a page of history, on %s', (kind) => {
  let dir: string
  let database: ProcessService

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'natter-page-'))
    database = await startDatabase(kind, dir)
    process.env.DATABASE_URL = database.url
    await migrate()
    const said = rooms.flatMap((room, at) => [1, 2, 3].map((nth) => messageOf(room, at * 10 + nth)))
    await db.insert(messages).values(said)
  })
  afterAll(async () => {
    await closeDb()
    await database.stop()
    await rm(dir, { recursive: true, force: true })
  })

  /** Every room, in both directions, all at once. */
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

  const all = rooms.flatMap((_, at) => [
    { seqs: [at * 10 + 2, at * 10 + 3], before: true, after: false },
    { seqs: [at * 10 + 1, at * 10 + 2], before: false, after: true },
  ])

  it('is that of the room it was asked of, however many are read at once', async () => {
    expect(await readAll()).toEqual(all)
    expect(await readAll()).toEqual(all)
  })

  it('is read on when the database has been away', async () => {
    await readAll()
    await database.kill('SIGKILL')
    await expect(readAll()).rejects.toThrow()
    await database.restart()

    await expect.poll(() => readAll().catch(String), { timeout: 5_000 }).toEqual(all)
    expect(await readAll()).toEqual(all)
  })

  it('is read on by who has disconnected and comes back', async () => {
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
