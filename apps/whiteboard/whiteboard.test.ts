import { eq, sql } from 'drizzle-orm'
import { beforeEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { db } from '#schema/db'
import type { RoomId } from '#schema/ids'
import { type AppId, deliverAppUpdated } from '#schema/messages/app'
import { nextRejection, type TestPerson, useApp } from '../../tests/support/app.ts'
import { badPayloads } from '../../tests/support/bad-payloads.ts'
import { boards, updates } from './tables.ts'

const app = useApp()
const whiteboard = 'whiteboard' as AppId
let room: RoomId

/** Alice owns the room and bob is a member of it. The app is installed. */
beforeEach(async () => {
  room = await app.createRoom(['alice', 'bob'], 'private', { alice: 'owner' })
  await app.call('apps.install', { room, app: whiteboard }, 'alice')
})

interface Answer {
  version: number
  update?: string
}

function act(action: string, data: object, as: TestPerson) {
  return app.act('whiteboard', room, action, data, as) as Promise<Answer>
}

const toBase64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')

function push(update: Uint8Array, as: TestPerson = 'alice') {
  return act('push', { update: toBase64(update) }, as)
}

/** Returns a document, and collects in `sent` the updates that are made on this document. */
function createPeer() {
  const doc = new Y.Doc()
  const sent: Uint8Array[] = []
  doc.on('update', (update: Uint8Array, origin: unknown) => {
    if (origin !== 'remote') sent.push(update)
  })
  return { doc, strokes: doc.getMap<Y.Array<number>>('strokes'), sent }
}

type Peer = ReturnType<typeof createPeer>

let lastKey = 0

function draw({ strokes, sent }: Peer, ...numbers: number[]): Uint8Array {
  lastKey += 1
  strokes.set(keyOf(lastKey), Y.Array.from(numbers))
  return sent.at(-1) as Uint8Array
}

const keyOf = (number: number) => `${number}`.padStart(6, '0')

/** Erases the oldest strokes, and returns the update that does so. */
function erase({ doc, strokes, sent }: Peer, count = 1): Uint8Array {
  doc.transact(() => {
    for (const key of keysOf(strokes).slice(0, count)) strokes.delete(key)
  })
  return sent.at(-1) as Uint8Array
}

const keysOf = (strokes: Peer['strokes']) => [...strokes.keys()].toSorted()
const contentOf = ({ strokes }: Peer) => keysOf(strokes).map((key) => strokes.get(key)?.toArray())

async function pullInto({ doc }: Peer, since = 0, as: TestPerson = 'bob') {
  const { version, update } = await act('pull', { since }, as)
  if (update) Y.applyUpdate(doc, Buffer.from(update, 'base64'), 'remote')
  return version
}

/** Returns the strokes that a new reader receives. */
async function readStrokes(as: TestPerson = 'bob') {
  const reader = createPeer()
  await pullInto(reader, 0, as)
  return contentOf(reader)
}

describe('the app whiteboard', () => {
  it('returns the merged updates of all users to a new reader', async () => {
    const [alice, bob] = [createPeer(), createPeer()]
    expect(await act('pull', { since: 0 }, 'bob')).toEqual({ version: 0 })

    expect(await push(draw(alice, 1, 2))).toEqual({ version: 1 })
    await pullInto(bob)
    await push(draw(bob, 3, 4), 'bob')

    expect(await act('pull', { since: 0 }, 'bob')).toMatchObject({ version: 2 })
    expect(await readStrokes()).toEqual([
      [1, 2],
      [3, 4],
    ])
  })

  it('returns only what was added after the version of the reader', async () => {
    const [alice, bob] = [createPeer(), createPeer()]
    await push(draw(alice, 1))
    const since = await pullInto(bob)
    await push(draw(alice, 2))
    await push(draw(alice, 3))

    const { version, update = '' } = await act('pull', { since }, 'bob')

    expect(version).toBe(3)
    Y.applyUpdate(bob.doc, Buffer.from(update, 'base64'))
    expect(contentOf(bob)).toEqual([[1], [2], [3]])
    const added = Y.decodeUpdate(Buffer.from(update, 'base64')).structs
    expect(added.map(({ id }) => id.clock)[0]).toBeGreaterThan(0)
    expect(await act('pull', { since: version }, 'bob')).toEqual({ version })
  })

  it('publishes each update with its version, so that members need no further call', async () => {
    const published = await app.listen(deliverAppUpdated, { user: 'bob', room }, 'bob')
    const [alice, bob] = [createPeer(), createPeer()]

    await push(draw(alice, 1))
    await push(draw(alice, 2))

    for (const version of [1, 2]) {
      const { data } = (await published.next()) as { data: Answer }
      expect(data).toMatchObject({ version })
      Y.applyUpdate(bob.doc, Buffer.from(data.update ?? '', 'base64'))
    }
    expect(contentOf(bob)).toEqual([[1], [2]])
  })

  it('adds no operation twice when a push is repeated, alone or together with newer operations', async () => {
    const alice = createPeer()
    const first = draw(alice, 1)
    await push(first)
    await push(first)
    draw(alice, 2)

    await push(Y.mergeUpdates(alice.sent))

    expect(await readStrokes()).toEqual([[1], [2]])
  })

  it('gives concurrent updates different versions, and loses none', async () => {
    const peers = Array.from({ length: 12 }, createPeer)

    const answers = await Promise.all(
      peers.map((peer, index) => push(draw(peer, index), index % 2 ? 'alice' : 'bob')),
    )

    expect(new Set(answers.map(({ version }) => version)).size).toBe(12)
    expect((await readStrokes()).flat()).toEqual(peers.map((_peer, index) => index))
  })

  it('merges more than 200 updates into one row, without the strokes that were erased', async () => {
    const alice = createPeer()
    for (let count = 0; count < 100; count += 1) await push(draw(alice, count, 7, 7, 7, 7, 7, 7))
    for (let count = 0; count < 99; count += 1) await push(erase(alice))
    await push(draw(alice, 100))
    const [before] = await db.select().from(boards).where(eq(boards.room, room))
    const late = createPeer()
    await pullInto(late, 150)

    await push(draw(alice, 101))

    const rows = await db.select().from(updates).where(eq(updates.room, room))
    expect(rows.map(({ version }) => version)).toEqual([201])
    expect(rows[0]?.update.length).toBeLessThan((before?.bytes ?? 0) / 2)
    expect(await readStrokes()).toEqual(contentOf(alice))
    await pullInto(late, 200)
    expect(contentOf(late)).toEqual(contentOf(alice))
    await push(draw(alice, 102))
    expect(await readStrokes()).toEqual(contentOf(alice))
  })

  it('has space for 2,000 strokes of 50 points each, even if each was drawn in ten parts', async () => {
    const alice = createPeer()
    for (let count = 0; count < 2_000; count += 1) {
      draw(alice, 1, 8, 1_000, 1_000)
      const stroke = alice.strokes.get(keyOf(lastKey))
      for (let part = 0; part < 10; part += 1) stroke?.push(Array.from({ length: 10 }, () => part))
    }

    const inOnePush = 80
    for (let at = 0; at < alice.sent.length; at += inOnePush)
      await push(Y.mergeUpdates(alice.sent.slice(at, at + inOnePush)))

    const { update = '' } = await act('pull', { since: 0 }, 'bob')
    expect(update.length).toBeLessThan(700_000)
    const strokes = await readStrokes()
    expect(strokes).toHaveLength(2_000)
    expect(strokes[1_999]).toHaveLength(104)
  })

  it('rejects strokes on a board of more than 640 kB with too_large, and accepts them after erasing', async () => {
    const [alice, late] = [createPeer(), createPeer()]
    const big = Array.from({ length: 8_000 }, (_, index) => 1_000 + (index % 7_000))
    const fill = async () => {
      for (;;) await push(draw(alice, ...big))
    }

    await expect(fill()).rejects.toMatchObject({ code: 'too_large' })
    await pullInto(late)
    expect(late.strokes.size).toBe(alice.strokes.size - 1)
    expect(late.strokes.size).toBeGreaterThan(15)
    await push(erase(late, 5), 'bob')
    await push(draw(late, 1), 'bob')

    expect(await readStrokes()).toEqual(contentOf(late))
  })

  it('allows a guest of the room to read, but not to draw', async () => {
    await push(draw(createPeer(), 1))
    await app.call('room.role', { room, userId: 'bob', role: 'guest' }, 'alice')

    expect(await nextRejection(() => push(draw(createPeer(), 2), 'bob'))).toBe('forbidden')
    expect(await readStrokes('bob')).toHaveLength(1)
  })

  it('keeps the boards of different rooms apart', async () => {
    const alice = createPeer()
    await push(draw(alice, 1))
    const first = room
    room = await app.createRoom(['alice', 'bob'], 'private', { alice: 'owner' })
    await app.call('apps.install', { room, app: whiteboard }, 'alice')

    await expect(push(draw(alice, 2))).rejects.toMatchObject({ code: 'invalid' })
    expect(await readStrokes()).toEqual([])
    room = first
    expect(await readStrokes()).toEqual([[1]])
  })

  it.each(badPayloads({ data: { update: 'AAAA' } }))(
    'rejects an invalid payload: %s',
    async (_name, payload) => {
      const { status } = await app.request(`as.alice.app.whiteboard.${room}.push`, payload, 'alice')

      expect(status).toMatch(/^4(00|13)$/)
    },
  )
})

/** Encodes an update with one operation that Yjs itself would not write. */
function craft(content: Pick<Y.ContentAny, 'getRef' | 'write'>, root = 'strokes', key = 'key') {
  const encoder = new Y.UpdateEncoderV1()
  encoder.writeLen(1)
  encoder.writeLen(1)
  encoder.writeClient(77)
  encoder.writeLen(0)
  encoder.writeInfo(content.getRef() | (key ? 0b10_0000 : 0))
  encoder.writeParentInfo(true)
  encoder.writeString(root)
  if (key) encoder.writeString(key)
  content.write(encoder as never, 0)
  encoder.writeLen(0)
  return encoder.toUint8Array()
}

/** Returns nested arrays that are too deep for Yjs itself to write. */
function deepArrays(depth: number): Parameters<typeof craft>[0] {
  return {
    getRef: () => new Y.ContentAny([]).getRef(),
    write(encoder) {
      for (const byte of [1, ...Array.from({ length: depth }, () => [117, 1]).flat(), 126])
        encoder.writeLen(byte)
    },
  }
}

/**
 * Hostile updates that bob sends. Each function receives the Yjs document of alice, who has drawn
 * one stroke.
 */
const attacks: [string, (alice: Peer) => Uint8Array][] = [
  ['is not a Yjs update', () => Buffer.from('not an update')],
  ['is cut off', () => draw(createPeer(), 1, 2, 3).subarray(0, -4)],
  [
    'has a gap before it',
    () => {
      const peer = createPeer()
      draw(peer, 1)
      return draw(peer, 2)
    },
  ],
  [
    'has a gap in it',
    () => {
      const peer = createPeer()
      for (const number of [1, 2, 3]) draw(peer, number)
      return Y.mergeUpdates([peer.sent[0] as Uint8Array, peer.sent[2] as Uint8Array])
    },
  ],
  [
    'has operations of several clients',
    () => Y.mergeUpdates([draw(createPeer(), 1), draw(createPeer(), 2)]),
  ],
  ['continues the operations of alice', (alice) => draw(alice, 2)],
  [
    'continues operations that are not on the board',
    (alice) => {
      draw(alice, 2)
      const bob = createPeer()
      Y.applyUpdate(bob.doc, Y.encodeStateAsUpdate(alice.doc), 'remote')
      bob.strokes.get(keysOf(bob.strokes).at(-1) ?? '')?.push([3])
      return bob.sent.at(-1) as Uint8Array
    },
  ],
  [
    'erases what alice has not drawn yet',
    (alice) => {
      draw(alice, 2)
      return erase(alice, 2)
    },
  ],
  ['adds to an unknown root', () => craft(new Y.ContentAny([1]), 'other')],
  ['adds to a list', () => craft(new Y.ContentAny([1]), 'strokes', '')],
  ['has an empty deletion', () => Uint8Array.of(0, 1, 77, 1, 0, 0)],
  ['has an object', () => craft(new Y.ContentAny([{ a: 1 }]))],
  ['has a deeply nested value', () => craft(deepArrays(15_000))],
  ['has bytes', () => craft(new Y.ContentBinary(Uint8Array.of(1)))],
  ['has a document', () => craft(new Y.ContentDoc(new Y.Doc()))],
  ['has XML', () => craft(new Y.ContentType(new Y.XmlElement('script')))],
  ['has an operation without length', () => craft(new Y.ContentAny([]))],
  ['has too many operations', () => craft(new Y.ContentDeleted(2 ** 40))],
]

describe('an update of a hostile client', () => {
  it.each(attacks)('that %s is rejected as invalid and changes nothing', async (_name, attack) => {
    const alice = createPeer()
    await push(draw(alice, 1))
    const copy = createPeer()
    Y.applyUpdate(copy.doc, Y.encodeStateAsUpdate(alice.doc), 'remote')
    copy.doc.clientID = alice.doc.clientID

    await expect(push(attack(copy), 'bob')).rejects.toMatchObject({ code: 'invalid' })

    expect(await push(draw(alice, 2))).toEqual({ version: 2 })
    expect(await readStrokes()).toEqual([[1], [2]])
  })

  it('that is not base64, or is too long, is rejected as invalid', async () => {
    for (const update of ['', 'not base64', 'AAA', 'AA=A', 'A'.repeat(49_156)])
      await expect(act('push', { update }, 'bob')).rejects.toMatchObject({ code: 'invalid' })

    expect(await act('pull', { since: 0 }, 'bob')).toEqual({ version: 0 })
  })

  it('that erases is rejected with too_large when the space reserved for erasing is full', async () => {
    const bob = createPeer()
    await push(draw(bob, 1), 'bob')
    await db.execute(sql`update app_whiteboard.boards set bytes = 1000000 where room = ${room}`)

    await expect(push(erase(bob), 'bob')).rejects.toMatchObject({ code: 'too_large' })
  })
})
