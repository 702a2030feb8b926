import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { AckPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRequester } from '#runtime/client'
import { moveConnection, pauseDeliveries } from '../../runtime/nats/move.ts'
import { newClientId, newRoomId } from '../support/app.ts'
import { type Cluster, type ClusterUser, startCluster } from '../support/cluster.ts'

const names = ['runtime-1', 'runtime-2', 'runtime-3']
const slow = `
import { setTimeout as sleep } from 'node:timers/promises'
import * as v from 'valibot'
import { defineFunction } from '#runtime'

const contract = { subject: 'slow', audience: ['everyone'], input: v.object({}), output: v.string() }

/** Replies after a second. */
export default defineFunction(contract, () => sleep(1_000, 'done'))
`
let cluster: Cluster

beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster?.[Symbol.asyncDispose]())

describe('a connection', { timeout: 60_000 }, () => {
  it('receives no requests of its queue group and no messages of its consumer while its deliveries are paused', async () => {
    const [server] = cluster.servers
    await using nc = await cluster.connectFunctions(server)
    await using other = await cluster.connectFunctions(server)
    const jsm = await jetstreamManager(other)
    let requests = 0
    nc.subscribe('pause.request', {
      queue: 'workers',
      callback(_error, message) {
        requests++
        message.respond('served')
      },
    })
    await jsm.streams.add({ name: 'PAUSE', subjects: ['pause.stored'], num_replicas: 3 })
    await jsm.consumers.add('PAUSE', { durable_name: 'workers', ack_policy: AckPolicy.Explicit })
    const stored: string[] = []
    const consumer = await jetstream(nc).consumers.get('PAUSE', 'workers')
    await consumer.consume({
      expires: 5_000,
      idle_heartbeat: 1_000,
      callback(message) {
        stored.push(message.string())
        message.ack()
      },
    })
    const publish = (text: string) => jetstream(other).publish('pause.stored', text)
    await publish('before')
    await expect.poll(() => stored).toEqual(['before'])

    const resume = pauseDeliveries(nc)
    await nc.flush()
    const unserved = other.request('pause.request', '', { timeout: 5_000 })
    await expect(unserved).rejects.toThrow(/no responders/i)
    await publish('meanwhile')
    await nc.flush()
    expect(stored).toEqual(['before'])

    resume()
    await nc.flush()
    const reply = await other.request('pause.request', '', { timeout: 5_000 })
    expect(reply.string()).toBe('served')
    expect(requests).toBe(1)
    await expect.poll(() => stored, { timeout: 30_000 }).toEqual(['before', 'meanwhile'])
    await jsm.streams.delete('PAUSE')
  })

  it('moves to a given server, or to another one if the given server is unavailable', async () => {
    const [first, second, third] = cluster.servers
    const { username, password } = new URL(first.urlOf('functions'))
    const hosts = cluster.servers.map(({ url }) => new URL(url).host)
    const servers = { servers: hosts, user: username, pass: password }
    const nc = await connect({ ...servers, noRandomize: true, reconnectTimeWait: 20 })
    const [, hostOfSecond = '', hostOfThird = ''] = hosts
    await moveConnection(nc, hostOfThird)
    const moved = nc.info?.server_name
    await second.stop()
    await moveConnection(nc, hostOfSecond)
    const fallback = nc.info?.server_name
    const known = nc.getServers().map(({ listen }) => listen)
    await nc.close()
    await second.restart()

    expect(moved).toBe(third.name)
    expect([first.name, third.name]).toContain(fallback)
    expect(known.sort()).toEqual(hosts.sort())
  })
})

describe('runtimes of a cluster', { timeout: 240_000 }, () => {
  it('spread over all servers after one server has restarted, without a failed call', async () => {
    const [first, second, third] = cluster.servers
    const folders = ['functions/', 'apps/', await cluster.write({ 'slow.ts': slow })]
    await Promise.all(names.map((name) => cluster.startRuntime(name, {}, folders)))
    const alice = await cluster.connectUser('alice', second)
    const bob = await cluster.connectUser('bob', third)
    const { username, password, host } = new URL(second.urlOf('sys'))
    await using sys = await connect({ servers: host, user: username, pass: password })
    const room = newRoomId()
    await alice.client.call('room.create', { room, name: 'A room', kind: 'public' })
    await bob.client.call('room.join', { room })
    await first.stop()
    await first.restart()

    await using load = startLoad({ alice, bob }, room)
    const even = { FUNCTIONS: [1, 1, 1], AUTH: [1, 1, 1] }
    await expect.poll(() => countConnections(sys), { timeout: 200_000 }).toEqual(even)
    const { sent, failures } = await load.stop()

    expect(await readLogs()).toContain('"msg":"connection moved to another server"')
    expect(sent).toBeGreaterThan(100)
    expect(failures).toEqual([])
  })
})

describe('runtimes of a server in lame duck mode', { timeout: 240_000 }, () => {
  it('move to other servers before it closes their connections, without a failed call', async () => {
    const [first, second, third] = cluster.servers
    const alice = await cluster.connectUser('alice', second)
    const bob = await cluster.connectUser('bob', third)
    const room = newRoomId()
    await alice.client.call('room.create', { room, name: 'A room', kind: 'public' })
    await bob.client.call('room.join', { room })
    await using load = startLoad({ alice, bob }, room)
    await first.kill('SIGUSR2')
    await first.exited
    const { sent, failures } = await load.stop()
    await first.restart()

    expect(await readLogs()).toMatch(/"from":"nats-1".*"msg":"connection moved to another server"/)
    expect(sent).toBeGreaterThan(100)
    expect(failures).toEqual([])
  })
})

async function readLogs() {
  const paths = names.map((name) => join(cluster.dir, 'logs', `${name}.log`))
  return (await Promise.all(paths.map((path) => readFile(path, 'utf8')))).join('')
}

/** Counts each server's connections in FUNCTIONS and AUTH, the accounts that only runtimes use. */
async function countConnections(sys: NatsConnection) {
  const counts = { FUNCTIONS: [] as number[], AUTH: [] as number[] }
  for (const acc of ['FUNCTIONS', 'AUTH'] as const) {
    const options = { strategy: 'count', maxMessages: 3, maxWait: 1_000 } as const
    const query = JSON.stringify({ acc })
    for await (const reply of await sys.requestMany('$SYS.REQ.SERVER.PING.CONNZ', query, options))
      counts[acc].push(reply.json<{ data: { total: number } }>().data.total)
  }
  return counts
}

/** Sends about 100 messages a second, and calls `slow` ten times a second. */
function startLoad(users: Record<string, ClusterUser>, room: string) {
  const stopping = new AbortController()
  const calls: Promise<unknown>[] = []
  const failures: unknown[] = []
  let sent = 0
  const callers = Object.entries(users).map(([name, { nc, client }]) => {
    const requester = createRequester(nc, name)
    return {
      send: () => client.call('send', { room, clientId: newClientId(), text: 'hello' }),
      async callSlow() {
        const reply = await requester.request(`as.${name}.slow`, '{}', { timeoutMs: 20_000 })
        if (reply.json() !== 'done') throw new Error(reply.string())
      },
    }
  })
  const ended = (async () => {
    for (let turn = 0; !stopping.signal.aborted; turn++) {
      for (const { send, callSlow } of callers) {
        calls.push(send().catch((error) => failures.push(error)))
        if (turn % 10 === 0) calls.push(callSlow().catch((error) => failures.push(error)))
        sent++
      }
      await sleep(20)
    }
  })()
  const stop = async () => {
    stopping.abort()
    await ended
    await Promise.all(calls)
    return { sent, failures }
  }
  return { stop, [Symbol.asyncDispose]: async () => void (await stop()) }
}
