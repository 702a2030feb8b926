/** `send` and `msg.get` as the flows draw them, by the libraries' own calls one after the other. */
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { type KV, Kvm } from '@nats-io/kv'
import type { Msg } from '@nats-io/nats-core'
import { connectTo } from '../connect.ts'
import type { Said } from './member.ts'

export const drawn = {
  send: 'drawn.send',
  get: 'drawn.msg.get',
  notify: 'drawn.notify',
} as const

/** Answers in this process from now on. */
export async function serveDrawn(url: string): Promise<void> {
  const nc = await connectTo(url, 'drawn')
  const jsm = await jetstreamManager(nc)
  const window = 10 * 60_000_000_000
  await jsm.streams.add({
    name: 'DRAWN',
    subjects: ['drawn.log.*'],
    storage: 'file',
    duplicate_window: window,
  })
  const js = jetstream(nc)
  const kvm = new Kvm(nc)
  const limits = await kvm.create('DRAWN_LIMITS', { storage: 'memory' })
  const cache = await kvm.create('DRAWN_CACHE', { storage: 'memory', ttl: 5 * 60_000 })

  answer(drawn.send, async (message) => {
    const said = message.json<Said>()
    await countSend(limits, said.sender)
    const { seq } = await js.publish(`drawn.log.${said.room}`, JSON.stringify(said), {
      msgID: said.clientId,
    })
    const notifyId = `${seq}-${said.clientId}`
    await cache.put(notifyId, JSON.stringify({ ...said, seq }))
    nc.publish(drawn.notify, JSON.stringify({ notifyId }))
    return JSON.stringify({ seq })
  })
  answer(drawn.get, async (message) => {
    const entry = await cache.get(message.json<{ notifyId: string }>().notifyId)
    return entry?.value ?? 'null'
  })
  await nc.flush()

  function answer(subject: string, handle: (message: Msg) => Promise<string | Uint8Array>) {
    nc.subscribe(subject, {
      queue: 'drawn',
      callback(_error, message) {
        handle(message).then((value) => message.respond(value))
      },
    })
  }
}

async function countSend(limits: KV, sender: string) {
  const count = Number((await limits.get(sender))?.string() ?? 0)
  await limits.put(sender, String(count + 1))
}
