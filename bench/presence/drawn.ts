/** A baseline: `presence.heartbeat` as in the original design (see docs/architecture.md). */
import { Kvm } from '@nats-io/kv'
import type { Msg } from '@nats-io/nats-core'
import { leaseMs } from '../../schema/messages/presence.ts'
import { connectTo } from '../connect.ts'
import { roomsOf } from './users.ts'

export async function serveDrawn(url: string): Promise<void> {
  const nc = await connectTo(url, 'drawn')
  const kvm = new Kvm(nc)
  const presence = await kvm.create('drawn-presence')
  const connections = await kvm.create('drawn-connections', {
    ttl: leaseMs,
    markerTTL: 1_000,
    storage: 'memory' as never,
  })
  void watchLeases()
  nc.subscribe('drawn.*.presence.heartbeat', {
    queue: 'drawn',
    callback(_error, message) {
      void respond(message)
    },
  })
  await nc.flush()

  async function respond(message: Msg) {
    const user = message.subject.split('.')[1] ?? ''
    const { connId } = message.json<{ connId: string }>()
    await connections.put(`${user}.${connId}`, '{}')
    const entry = await presence.get(user)
    if (!entry) {
      await presence.put(user, JSON.stringify({ status: 'online' }))
      const changes = [{ action: 'online', userId: user, status: 'online' }]
      for (const room of roomsOf(user))
        nc.publish(`drawn.presence.${room}`, JSON.stringify({ changes }))
    }
    message.respond(JSON.stringify({ status: 'online' }))
  }

  /** The cost of the original design includes this watcher, which receives each renewal of a lease. */
  async function watchLeases() {
    for await (const { operation } of await connections.watch())
      if (operation === 'PURGE') throw new Error('A lease expired during the measurement')
  }
}
