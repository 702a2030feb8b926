import { setTimeout } from 'node:timers/promises'
import { connect } from '@nats-io/transport-node'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import * as Y from 'yjs'
import { type Client, createClient } from '#runtime/client'
import type { RoomId } from '#schema/ids'
import { type AppId, appAction, deliverAppUpdated } from '#schema/messages/app'
import { type TestPerson, useApp } from '../../tests/support/app.ts'
import { createNetworkProxy } from '../../tests/support/network-proxy.ts'
import { fetchAccessToken } from '../../tests/support/tokens.ts'
import { createBoard, listNotes, type Note } from './component/create-board.ts'
import { createSync } from './component/create-sync.ts'
import { startStroke } from './component/pen.ts'

const app = useApp()
const whiteboard = 'whiteboard' as AppId
const pen = { color: 1, width: 16 }
const contracts = { 'app.action': appAction }

async function createRoom() {
  const room = await app.createRoom(['alice', 'bob'], 'private', { alice: 'owner' })
  await app.call('apps.install', { room, app: whiteboard }, 'alice')
  return room
}

/** Opens a board over a connection of its own, as the page does. */
async function open(room: RoomId, as: TestPerson) {
  const urls = inject('servers')
  const network = await createNetworkProxy(Number(new URL(urls.nats).port))
  const nc = await connect({
    servers: `127.0.0.1:${network.port}`,
    token: await fetchAccessToken(urls.issuer, as),
    inboxPrefix: `_INBOX_${as}`,
    reconnectTimeWait: 100,
    maxReconnectAttempts: -1,
  })
  onTestFinished(async () => {
    await nc.close()
    await network[Symbol.asyncDispose]()
  })
  const client = createClient(nc, { contracts, user: as })
  const state = { isUnsaved: false, rejected: [] as string[] }
  const loaded = Promise.withResolvers<void>()
  const board = createBoard()
  createSync({
    doc: board.doc,
    bridge: {
      request: (action, data) =>
        client.call('app.action', { app: whiteboard, room, action, data }, { timeoutMs: 2_000 }),
      onUpdated: (callback) => {
        listen(client, { user: as, room }, callback)
        void (async () => {
          for await (const { type } of nc.status()) if (type === 'reconnect') callback(undefined)
        })()
      },
    },
    onLoad: loaded.resolve,
    onUnsaved(isUnsaved) {
      state.isUnsaved = isUnsaved
    },
    onReject: (code) => state.rejected.push(code),
  })
  await loaded.promise
  return { board, network, state, client }
}

/** Listens for updates as the page does: calls back with undefined if an update was missed. */
function listen(
  client: Client<typeof contracts>,
  params: { user: string; room: string },
  callback: (data: unknown) => void,
) {
  let last: number | undefined
  client.listen(deliverAppUpdated, params, ({ version, data }) => {
    callback(last === undefined || version === last + 1 ? data : undefined)
    last = version
  })
}

type Opened = Awaited<ReturnType<typeof open>>

function drawStroke({ board }: Opened, at: number) {
  const draw = startStroke(board, pen, { x: at, y: at })
  for (let step = 1; step <= 10; step += 1) draw([{ x: at + step * 10, y: at + step * 5 }])
}

const contentOf = ({ board }: Pick<Opened, 'board'>) => {
  const strokes: Record<string, number[]> = board.strokes.toJSON()
  return Object.keys(strokes)
    .toSorted()
    .map((key) => strokes[key])
}

describe('the boards of two users', () => {
  it('are equal after each user has drawn 500 strokes, although one was offline for 10 s', async () => {
    const room = await createRoom()
    const [alice, bob] = await Promise.all([open(room, 'alice'), open(room, 'bob')])

    bob.network.cut()
    for (let count = 0; count < 500; count += 1) {
      drawStroke(alice, count)
      drawStroke(bob, count + 500)
      await setTimeout(20)
    }
    expect(contentOf(bob)).toHaveLength(500)
    expect(bob.state.isUnsaved).toBe(true)
    bob.network.restore()

    await expect.poll(() => contentOf(alice).length, { timeout: 50_000 }).toBe(1_000)
    await expect.poll(() => contentOf(bob).length, { timeout: 50_000 }).toBe(1_000)
    await expect.poll(() => bob.state.isUnsaved).toBe(false)
    const reader = await open(room, 'alice')
    expect(contentOf(bob)).toEqual(contentOf(alice))
    expect(contentOf(reader)).toEqual(contentOf(alice))
    expect([...alice.state.rejected, ...bob.state.rejected]).toEqual([])
  }, 120_000)

  it('are reported as unsaved after an outage, until the server has all changes', async () => {
    const room = await createRoom()
    const [alice, bob] = await Promise.all([open(room, 'alice'), open(room, 'bob')])
    bob.network.cut()
    for (let count = 0; count < 500; count += 1) drawStroke(bob, count)
    await expect.poll(() => bob.state.isUnsaved, { timeout: 10_000 }).toBe(true)
    bob.network.restore()

    await expect.poll(() => bob.state.isUnsaved, { timeout: 50_000, interval: 1 }).toBe(false)
    const action = { app: whiteboard, room, action: 'pull', data: { since: 0 } }
    const { update } = Object(await alice.client.call('app.action', action))
    const stored = createBoard()
    Y.applyUpdate(stored.doc, Buffer.from(update, 'base64'))
    expect(contentOf({ board: stored })).toEqual(contentOf(bob))
  }, 120_000)

  it('contain the changes that both users have made to one note', async () => {
    const room = await createRoom()
    const [alice, bob] = await Promise.all([open(room, 'alice'), open(room, 'bob')])
    alice.board.writeNote(alice.board.addNote({ x: 10, y: 20 }), 'milk')
    await expect.poll(() => JSON.stringify(bob.board.notes.toJSON())).toContain('milk')
    const [hers, his] = [alice, bob].map(({ board }) => listNotes(board)[0] as Note)
    if (!hers || !his) throw new Error('The note is missing')

    bob.network.cut()
    alice.board.writeNote(hers, 'milk, bread')
    bob.board.writeNote(his, 'oat milk')
    bob.board.moveNote(his, { x: 500, y: -3 })
    bob.network.restore()

    for (const { board } of [alice, bob])
      await expect
        .poll(() => Object.values(board.notes.toJSON()))
        .toEqual([{ x: 500, y: 0, text: 'oat milk, bread' }])
  })

  it('stop synchronizing and report one rejection when the server rejects a change', async () => {
    const room = await createRoom()
    const alice = await open(room, 'alice')
    drawStroke(alice, 1)
    await expect.poll(async () => (await open(room, 'bob')).board.strokes.size).toBe(1)

    const foreign = new Y.Doc()
    foreign.getMap('elsewhere').set('key', 1)
    Y.applyUpdate(alice.board.doc, Y.encodeStateAsUpdate(foreign))

    await expect.poll(() => alice.state.rejected).toEqual(['invalid'])
    expect((await open(room, 'bob')).board.strokes.size).toBe(1)
  })
})

describe('undo', () => {
  it("reverts only the user's own changes, and redo restores them", async () => {
    const room = await createRoom()
    const [alice, bob] = await Promise.all([open(room, 'alice'), open(room, 'bob')])
    drawStroke(alice, 100)
    await expect.poll(() => bob.board.strokes.size).toBe(1)
    drawStroke(bob, 200)
    await expect.poll(() => alice.board.strokes.size).toBe(2)
    const [first, second] = contentOf(alice)

    alice.board.undo()
    alice.board.undo()
    await expect.poll(() => contentOf(bob)).toEqual([second])
    alice.board.redo()
    await expect.poll(() => contentOf(bob)).toEqual([first, second])

    alice.board.erase([...alice.board.strokes.keys()].toSorted()[1] ?? '')
    await expect.poll(() => contentOf(bob)).toEqual([first])
    alice.board.undo()
    await expect.poll(() => contentOf(bob)).toEqual([first, second])
  })
})
