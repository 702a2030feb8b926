import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CHAT_MESSAGES } from '#schema/streams'
import { freePort } from '../../stack/ports.ts'
import type { NatsService } from '../../stack/services/nats.ts'
import type { ProcessService } from '../../stack/services/service.ts'
import { newClientId, newRoomId } from '../support/app.ts'
import { type Cluster, startCluster } from '../support/cluster.ts'
import { parseMetrics } from '../support/metrics.ts'
import {
  canFail,
  canMount,
  type FailingDisk,
  mountDisk,
  type SmallDisk,
} from '../support/small-disk.ts'

describe.skipIf(!canMount)('a cluster', { timeout: 280_000 }, () => {
  const disks = new Map<string, SmallDisk | FailingDisk>()
  let cluster: Cluster
  let runtime: ProcessService
  let healthPort: number

  beforeAll(async () => {
    cluster = await startCluster({
      async prepare(dir, started) {
        for (const name of ['nats-1', 'nats-2', 'nats-3']) {
          await mkdir(join(dir, name))
          disks.set(name, started.use(await mountDisk(join(dir, name, 'nats'), 150)))
        }
      },
    })
    healthPort = await freePort()
    runtime = await cluster.startRuntime('runtime', { HEALTH_PORT: String(healthPort) })
  }, 180_000)
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  async function findLeader() {
    const jsm = await jetstreamManager(await cluster.connectFunctions(cluster.servers[0]))
    const { cluster: group } = await jsm.streams.info(CHAT_MESSAGES.stream)
    const leader = cluster.servers.find(({ name }) => name === group?.leader)
    const disk = disks.get(leader?.name ?? '')
    const other = cluster.servers.find((server) => server !== leader)
    if (!leader || !disk || !other) throw new Error(`${CHAT_MESSAGES.stream} has no leader`)
    return { leader, disk, other }
  }

  const readiness = async () => (await fetch(`http://127.0.0.1:${healthPort}/readyz`)).status
  /** Counts JetStream failures. The alert NatterStorageFailing fires when their number grows. */
  async function countFailures(): Promise<number> {
    const metrics = await (await fetch(`http://127.0.0.1:${healthPort}/metrics`)).text()
    const failures = parseMetrics(metrics).find(
      ({ name, labels }) =>
        name === 'natter_storage_failures_total' && labels.storage === 'jetstream',
    )
    return failures?.value ?? Number.NaN
  }

  const healthOf = async ({ monitorUrl }: NatsService) =>
    (await fetch(`${monitorUrl}/healthz`)).status

  type Act = (disk: SmallDisk | FailingDisk) => void | Promise<void>
  const faults: [what: string, fail: Act, repair: Act][] = [
    ['is full', (disk) => disk.fill(), (disk) => disk.free()],
  ]
  if (canFail)
    faults.push([
      'becomes read-only',
      (disk) => (disk as FailingDisk).makeReadOnly(),
      (disk) => (disk as FailingDisk).repair(),
    ])
  it.each(faults)(
    'rejects messages when the disk of its leader %s, until another server leads, and loses no acknowledged message',
    async (_, fail, repair) => {
      const { leader, disk, other } = await findLeader()
      const { client } = await cluster.connectUser('alice', other)
      const room = newRoomId()
      await client.call('room.create', { room, name: 'A room', kind: 'public' })
      const acknowledged: string[] = []
      const codes = new Set<string>()
      const send = async () => {
        const text = crypto.randomUUID()
        const answer = await client.try('send', { room, clientId: newClientId(), text })
        if (answer.ok) acknowledged.push(text)
        else codes.add(answer.error.code)
        return answer.ok
      }
      expect(await send()).toBe(true)
      const failuresBefore = await countFailures()
      const [serverStart, runtimeStart] = [leader.log.end(), runtime.log.end()]

      fail(disk)
      await expect.poll(send, { timeout: 60_000 }).toBe(false)
      // The runtime stays ready, because another runtime could not store messages either.
      expect(await readiness()).toBe(200)
      await expect.poll(send, { timeout: 100_000 }).toBe(true)
      // A call that has to wait for several elections exceeds its deadline, and fails with timeout.
      expect(['unavailable', 'timeout']).toEqual(expect.arrayContaining([...codes]))
      await expect.poll(() => healthOf(leader), { timeout: 60_000 }).toBe(503)
      const reason = new RegExp(`${disk.dir}/.*(no space left on device|read-only file system)`)
      expect(leader.log.read(serverStart)).toMatch(reason)
      const logged = () => runtime.log.read(runtimeStart)
      await expect
        .poll(logged)
        .toContain('make space on its disk, or make it writable, and restart nats-server')
      await expect.poll(logged).toContain('nats-server stores messages again')
      expect(await countFailures()).toBeGreaterThan(failuresBefore)

      await leader.stop()
      await repair(disk)
      await leader.restart()
      await expect.poll(() => healthOf(leader), { timeout: 60_000 }).toBe(200)
      expect(await send()).toBe(true)
      const texts = async () => {
        const answer = await client.try('chat.history', { room, limit: 100 })
        return answer.ok ? answer.value.messages.map(({ text }) => text) : []
      }
      const present = async () => (await texts()).filter((text) => acknowledged.includes(text))
      await expect.poll(present, { timeout: 60_000 }).toEqual(acknowledged)
    },
  )

  it('copies all replicas to a server whose disk was replaced by an empty one', async () => {
    const { leader, disk, other } = await findLeader()
    await leader.kill('SIGKILL')
    for (const entry of await readdir(disk.dir))
      await rm(join(disk.dir, entry), { recursive: true })
    await leader.restart()

    await expect.poll(() => healthOf(leader), { timeout: 60_000 }).toBe(200)
    const jsm = await jetstreamManager(await cluster.connectFunctions(other))
    const followers = async () => {
      const { cluster: group } = await jsm.streams.info(CHAT_MESSAGES.stream)
      return group?.replicas?.map(({ current }) => current)
    }
    await expect.poll(followers, { timeout: 60_000 }).toEqual([true, true])
  })
})
