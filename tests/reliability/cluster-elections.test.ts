import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRequester } from '#runtime/client'
import { writeHeaders } from '../../runtime/api/headers.ts'
import { readBounds, readLast, readLastOfEach, readNext } from '../../runtime/jetstream/api.ts'
import { publishStored } from '../../runtime/jetstream/publish.ts'
import { retryUntilAvailable } from '../../runtime/nats/retry.ts'
import { createSecrets } from '../../stack/secrets.ts'
import type { NatsService } from '../../stack/services/nats.ts'
import { startNatsServers } from '../support/cluster.ts'

const stream = 'ELECTED'
const running = new AsyncDisposableStack()
let servers: [NatsService, NatsService, NatsService]

beforeAll(async () => {
  const dir = await mkdtemp(join(tmpdir(), 'natter-elections-'))
  running.defer(() => rm(dir, { recursive: true, force: true }))
  servers = await startNatsServers({ dir, secrets: createSecrets(), webOrigins: [] }, running)
  const nc = await connectTo(servers[0])
  const config = { name: stream, subjects: ['elected.*'], num_replicas: 3, allow_direct: true }
  await retryUntilAvailable('JetStream', pino({ level: 'silent' }), async () => {
    const jsm = await jetstreamManager(nc)
    await jsm.streams.add(config)
  })
})
afterAll(() => running.disposeAsync())

describe('a stream whose servers repeatedly elect a new leader', {
  timeout: 120_000,
}, () => {
  it('stores each message that has an id once, and returns it to a read right after its acknowledgement', async () => {
    const electing = new AbortController()
    const electionsEnded = electLeaders(20).finally(() => electing.abort())
    const acknowledged: number[] = []
    const stale: string[] = []
    const work = async (server: NatsService, worker: number) => {
      const requester = createRequester(await connectTo(server))
      const subject = `elected.${worker}`
      while (!electing.signal.aborted) {
        const headers = writeHeaders({ 'Nats-Msg-Id': crypto.randomUUID() })
        const ack = await publishStored(requester, subject, '', { headers, hasId: true })
        const seq = ack?.seq ?? 0
        acknowledged.push(seq)
        const [bounds, last, next, [lastOfEach]] = await Promise.all([
          readBounds(requester, stream),
          readLast(requester, stream, subject),
          readNext(requester, stream, { seq, next_by_subj: subject, batch: 10 }),
          readLastOfEach(requester, stream, [subject]),
        ])
        if (bounds.last < seq) stale.push(`the bounds end before ${seq}`)
        if (last?.seq !== seq) stale.push(`the last message is not ${seq}`)
        if (next.messages.at(-1)?.seq !== seq) stale.push(`the next messages lack ${seq}`)
        if (lastOfEach?.seq !== seq) stale.push(`the last message of each subject is not ${seq}`)
      }
    }
    await Promise.all([electionsEnded, ...servers.map(work)])

    const jsm = await jetstreamManager(await connectTo(servers[0]))
    expect(stale).toEqual([])
    expect(new Set(acknowledged).size).toBe(acknowledged.length)
    await expect
      .poll(async () => (await jsm.streams.info(stream)).state.messages)
      .toBe(acknowledged.length)
  })
})

async function connectTo(server: NatsService): Promise<NatsConnection> {
  const { username, password, host } = new URL(server.urlOf('functions'))
  return running.use(await connect({ servers: host, user: username, pass: password }))
}

async function electLeaders(count: number): Promise<void> {
  const nc = await connectTo(servers[0])
  for (let elected = 0; elected < count; await sleep(100)) {
    const stepDown = `$JS.API.STREAM.LEADER.STEPDOWN.${stream}`
    const reply = await nc.request(stepDown, '', { timeout: 1_000 }).catch(() => undefined)
    if (reply?.json<{ success?: boolean }>().success) elected++
  }
}
