import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRequester } from '#runtime/client'
import { CHAT_MESSAGES } from '#schema/streams'
import { readBounds } from '../../runtime/jetstream/api.ts'
import { findNatsCli } from '../../stack/install/nats-cli.ts'
import type { NatsService } from '../../stack/services/nats.ts'
import { newClientId, newRoomId } from '../support/app.ts'
import { type Cluster, startCluster } from '../support/cluster.ts'
import { run } from '../support/command-line.ts'

const probe = `
import * as v from 'valibot'
import { defineFunction } from '#runtime'

const notes = { stream: 'NOTES', subjects: ['note.*'], config: { allow_direct: true } }
const note = { subject: 'note.{id}', data: v.object({ id: v.string() }) }
const values = { bucket: 'VALUES', value: v.number() }
const contract = {
  subject: 'probe',
  audience: ['everyone'],
  input: v.object({ rounds: v.number() }),
  output: v.record(v.string(), v.number()),
  timeoutMs: 60_000,
}

/**
 * Counts wrong results: reads and creates that miss an acknowledged write, and keys for which not
 * exactly one of three concurrent calls of create succeeds.
 */
export default defineFunction(contract, async ({ rounds }, { append, kv, read, readAfter }) => {
  const stale = { read: 0, readAfter: 0, get: 0, list: 0, create: 0, claims: 0 }
  const bucket = kv(values)
  for (let n = 1; n <= rounds; n++) {
    const { seq } = await append(note, { id: 'a' })
    if (!(await read(notes, note, seq))) stale.read++
    const next = await append(note, { id: 'a' })
    const after = await readAfter(notes, [note], { id: 'a' }, seq, 10)
    if (after?.at(-1)?.seq !== next.seq) stale.readAfter++
    await bucket.put('x.' + n, n)
    if ((await bucket.get('x.' + n))?.value !== n) stale.get++
    await bucket.put('y.' + n, n)
    if ((await bucket.list('y.' + n)).length !== 1) stale.list++
    await bucket.delete('y.' + n)
    if (!(await bucket.create('y.' + n, n))) stale.create++
    const id = crypto.randomUUID()
    const claims = await Promise.all([1, 2, 3].map((value) => bucket.create('z.' + id, value)))
    if (claims.filter(Boolean).length !== 1) stale.claims++
  }
  return stale
}, { resources: [notes, values] })
`
let cluster: Cluster

beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster?.[Symbol.asyncDispose]())

describe('a cluster of three nats-servers', { timeout: 180_000 }, () => {
  it('raises the number of replicas of each stream and bucket to NATS_REPLICAS, and never lowers it', async () => {
    const [server] = cluster.servers
    const jsm = await jetstreamManager(await cluster.connectFunctions(server))
    const replicas = async () => {
      const found = new Set<number>()
      for await (const { config } of jsm.streams.list()) found.add(config.num_replicas)
      return [...found]
    }
    const single = await cluster.startRuntime('runtime-0', { NATS_REPLICAS: '' })
    const before = await replicas()
    await single.stop()
    await cluster.startRuntime('runtime-1')
    const raised = await replicas()
    await single.restart()

    expect(before).toEqual([1])
    expect(raised).toEqual([3])
    expect(await replicas()).toEqual([3])
  })

  it('returns each acknowledged write to the next read, on each server', async () => {
    const folder = await cluster.write({ 'probe.ts': probe })
    for (const server of cluster.servers) {
      const settings = { NATS_URL: server.urlOf('functions') }
      const runtime = await cluster.startRuntime('probe', settings, [folder])
      const requester = createRequester(await cluster.connectFunctions(server), 'ada')
      const input = JSON.stringify({ rounds: 200 })
      const reply = await requester.request('as.ada.probe', input, { timeoutMs: 60_000 })
      await runtime.stop()

      expect(reply.json()).toEqual({ read: 0, readAfter: 0, get: 0, list: 0, create: 0, claims: 0 })
    }
  })

  it('stores a message once if a client sends it five times at once, and answers each call', async () => {
    const { client } = await cluster.connectUser('alice', cluster.servers[0])
    const room = newRoomId()
    await client.call('room.create', { room, name: 'A room', kind: 'public' })
    for (let count = 0; count < 20; count++) {
      const message = { room, clientId: newClientId(), text: 'hello' }
      const copies = Array.from({ length: 5 }, () => client.call('send', message))
      const seqs = (await Promise.all(copies)).map(({ seq }) => seq)

      expect(new Set(seqs).size).toBe(1)
    }
  })

  it('restores a stream from a backup with its number of replicas and its sequence numbers', async () => {
    const [server] = cluster.servers
    const jsm = await jetstreamManager(await cluster.connectFunctions(server))
    const backup = join(cluster.dir, 'backup')
    const nats = async (...args: string[]) => {
      const result = await run(await findNatsCli(), ['-s', cluster.urlsOf('ops'), ...args])
      expect(result.code, result.stderr).toBe(0)
    }
    await jsm.streams.add({ name: 'KEPT', subjects: ['kept.*'], num_replicas: 3 })
    const js = jetstream(await cluster.connectFunctions(server))
    for (let n = 1; n <= 20; n++) await js.publish('kept.a', `message ${n}`)
    await nats('backup', 'stream', 'KEPT', backup, '--no-consumers', '--no-progress')
    await jsm.streams.delete('KEPT')
    await nats('backup', 'restore', 'stream', backup, '--no-progress')

    const { config, state } = await jsm.streams.info('KEPT')
    expect(config.num_replicas).toBe(3)
    expect(state).toMatchObject({ messages: 20, first_seq: 1, last_seq: 20 })
    await expect
      .poll(async () => (await jsm.streams.info('KEPT')).cluster?.replicas?.map((it) => it.current))
      .toEqual([true, true])
  })

  it('loses no message, persists all messages and lets a runtime start while the leader is down', async () => {
    await cluster.startRuntime('runtime-2')
    const [first] = cluster.servers
    const { cluster: group } = await streamInfo(first)
    const leader = cluster.servers.find(({ name }) => name === group?.leader) ?? first
    const other = cluster.servers.find((server) => server !== leader) ?? first
    const { client } = await cluster.connectUser('alice', other)
    const room = newRoomId()
    await client.call('room.create', { room, name: 'A room', kind: 'public' })
    const send = async () => {
      const message = { room, clientId: newClientId(), text: 'hello' }
      const attempt = () => client.try('send', message)
      await expect.poll(attempt, { timeout: 50_000 }).toMatchObject({ ok: true })
    }

    const sent = [send()]
    await leader.kill('SIGKILL')
    for (let count = 1; count < 20; count++) sent.push(send())
    await Promise.all(sent)
    await expect.poll(() => countUnpersisted(other), { timeout: 100_000 }).toBe(0)
    await cluster.startRuntime('runtime-3')
    await leader.restart()

    const synced = await client.call('chat.sync', { room, since: 1 })
    const events = synced.recovered ? synced.events : []
    expect(events.filter(({ event }) => event.kind === 'message')).toHaveLength(20)
  })

  it('may start after a runtime, one server at a time, and the runtime logs what it waits for', async () => {
    await using parts = await startCluster()
    const [first, second, third] = parts.servers
    for (const part of [...parts.servers, parts.database]) await part.stop()
    const starting = parts.startRuntime('late')
    const log = join(parts.dir, 'logs', 'late.log')
    const logged = (text: string) =>
      expect.poll(() => readFile(log, 'utf8'), { timeout: 50_000 }).toContain(text)

    await logged('NATS unavailable, retrying')
    await first.restart()
    await logged('JetStream unavailable, retrying')
    await second.restart()
    await third.restart()
    await logged('a dependency of migrate in functions/_setup.ts unavailable, retrying')
    await parts.database.restart()

    expect((await starting).pid).toBeDefined()

    // Without a leader, a server answers from its own replica, which may be out of date. So
    // `readBounds` must reject that answer.
    await first.kill('SIGSTOP')
    await second.kill('SIGSTOP')
    const nc = await parts.connectFunctions(third)
    const answersWithoutLeader = async () => {
      const options = { timeout: 2_000 }
      const reply = await nc.request(`$JS.API.STREAM.INFO.${CHAT_MESSAGES.stream}`, '', options)
      const { state, cluster } = reply.json<{ state?: object; cluster?: { leader?: string } }>()
      return state !== undefined && !cluster?.leader
    }
    const asked = () => answersWithoutLeader().catch(() => false)
    await expect.poll(asked, { timeout: 60_000 }).toBe(true)
    const reading = readBounds(createRequester(nc), CHAT_MESSAGES.stream)
    await expect(reading).rejects.toMatchObject({ code: 'unavailable' })
    await first.kill('SIGCONT')
    await second.kill('SIGCONT')
  })
})

async function streamInfo(server: NatsService) {
  const jsm = await jetstreamManager(await cluster.connectFunctions(server))
  return jsm.streams.info(CHAT_MESSAGES.stream)
}

async function countUnpersisted(server: NatsService): Promise<number> {
  const jsm = await jetstreamManager(await cluster.connectFunctions(server))
  const info = await jsm.consumers.info(CHAT_MESSAGES.stream, 'persist')
  return info.num_pending + info.num_ack_pending
}
