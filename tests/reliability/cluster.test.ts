import { jetstreamManager } from '@nats-io/jetstream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Cluster, startCluster } from '../support/cluster.ts'

let cluster: Cluster

beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster?.[Symbol.asyncDispose]())

describe('a cluster of three nats-servers', { timeout: 60_000 }, () => {
  it('raises the replicas of all streams and buckets to NATS_REPLICAS, and never lowers them', async () => {
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
})
