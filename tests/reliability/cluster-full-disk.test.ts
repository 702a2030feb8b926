import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CHAT_MESSAGES } from '#schema/streams'
import type { NatsService } from '../../stack/services/nats.ts'
import { newClientId, newRoomId } from '../support/app.ts'
import { type Cluster, startCluster } from '../support/cluster.ts'
import { canMount, mountSmallDisk, type SmallDisk } from '../support/small-disk.ts'

if (!canMount && process.env.CI) throw new Error('This test mounts file systems and needs root')

describe.skipIf(!canMount)('a full disk in a cluster', { timeout: 280_000 }, () => {
  const disks = new Map<string, SmallDisk>()
  let cluster: Cluster

  beforeAll(async () => {
    cluster = await startCluster({
      async prepare(dir, started) {
        for (const name of ['nats-1', 'nats-2', 'nats-3']) {
          await mkdir(join(dir, name))
          disks.set(name, started.use(await mountSmallDisk(join(dir, name, 'nats'), 120)))
        }
      },
    })
  })
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

  const healthOf = async ({ monitorUrl }: NatsService) =>
    (await fetch(`${monitorUrl}/healthz`)).status

  it('of the leader rejects messages until another server leads, and loses none of the acknowledged', async () => {
    const runtime = await cluster.startRuntime('runtime')
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

    disk.fill()
    await expect.poll(send, { timeout: 60_000 }).toBe(false)
    await expect.poll(send, { timeout: 100_000 }).toBe(true)
    expect([...codes]).toEqual(['unavailable'])
    await expect.poll(() => healthOf(leader), { timeout: 60_000 }).toBe(503)
    expect(leader.log.read(0)).toMatch(new RegExp(`${disk.dir}/.*no space left on device`))
    const logged = () => readFile(runtime.log.path, 'utf8')
    expect(await logged()).toContain('make space on its disk and restart it')
    await expect.poll(logged).toContain('nats-server stores messages again')

    await disk.free()
    await leader.restart()
    await expect.poll(() => healthOf(leader), { timeout: 60_000 }).toBe(200)
    expect(await send()).toBe(true)
    const texts = async () => {
      const answer = await client.try('chat.history', { room, limit: 100 })
      return answer.ok ? answer.value.messages.map(({ text }) => text) : []
    }
    const present = async () => (await texts()).filter((text) => acknowledged.includes(text))
    await expect.poll(present, { timeout: 60_000 }).toEqual(acknowledged)
  })

  it('that is replaced by an empty one gets its replicas from the other servers', async () => {
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
