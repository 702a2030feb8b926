import { Kvm } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/nats-core'
import { ROOMS_KV } from '../schema/streams.ts'

export async function openRoomIndex(nc: NatsConnection) {
  const bucket = await new Kvm(nc).open(ROOMS_KV.bucket)
  return {
    /** Marks ROOMS_KV as complete. Otherwise, the functions would rebuild it from the database. */
    markComplete: () => bucket.put('=index', JSON.stringify({ builtAt: new Date().toISOString() })),
    async addRoom(id: string, kind: 'public' | 'private', members: readonly string[] = []) {
      await bucket.put(id, JSON.stringify({ kind, closed: false }))
      for (const user of members)
        await bucket.put(`${id}.${user}`, JSON.stringify({ kind, role: 'member' }))
    },
  }
}
