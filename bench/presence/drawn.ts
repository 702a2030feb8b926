/** `presence.heartbeat` as the flows draw it, one call to a bucket after the other. */
import { Kvm } from '@nats-io/kv'
import type { Msg } from '@nats-io/nats-core'
import { leaseMs } from '../../schema/messages/presence.ts'
import { connectTo } from '../connect.ts'
import { roomsOf } from './people.ts'

/** Answers in this process from now on. Who is in which room it has in memory. */
export async function serveDrawn(url: string): Promise<void> {
  const nc = await connectTo(url, 'drawn')
  const kvm = new Kvm(nc)
  const presence = await kvm.create('drawn-presence')
  const connections = await kvm.create('drawn-connections', {
    ttl: leaseMs,
    markerTTL: 1_000,
    storage: 'memory' as never,
  })
  void hearExpiries()
  nc.subscribe('drawn.*.presence.heartbeat', {
    queue: 'drawn',
    callback(_error, message) {
      void answer(message)
    },
  })
  await nc.flush()

  async function answer(message: Msg) {
    const user = message.subject.split('.')[1] ?? ''
    const { connId } = message.json<{ connId: string }>()
    await connections.put(`${user}.${connId}`, '{}')
    const entry = await presence.get(user)
    if (!entry) {
      await presence.put(user, JSON.stringify({ status: 'online' }))
      for (const room of roomsOf(user))
        nc.publish(
          `drawn.presence.${room}`,
          JSON.stringify({ changes: [{ action: 'online', userId: user, status: 'online' }] }),
        )
    }
    message.respond(JSON.stringify({ status: 'online' }))
  }

  /** Nobody's lease ends here; that of somebody who beats is heard all the same. */
  async function hearExpiries() {
    for await (const { operation } of await connections.watch())
      if (operation === 'PURGE') throw new Error('A lease has ended while it was measured')
  }
}
