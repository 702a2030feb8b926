/** Baselines: `send` and `msg.get` as in the original design (see docs/architecture.md). */
import { jetstreamManager } from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import type { Msg } from '@nats-io/nats-core'
import { connectTo } from '../connect.ts'
import { openLeanStore, openLibraryStore, type Store } from './drawn-store.ts'
import type { OutgoingMessage } from './member.ts'

/** `drawn` uses the NATS libraries for requests, and `lean` uses `createRequester`. */
export type DrawnName = 'drawn' | 'lean'

const minuteMs = 60_000

export function drawnSubjects(name: DrawnName) {
  return { send: `${name}.send`, get: `${name}.msg.get`, notify: `${name}.notify` }
}

export async function serveDrawn(name: DrawnName, url: string): Promise<void> {
  const nc = await connectTo(url, name)
  const limits = `${name}-limits`
  const cache = `${name}-cache`
  const jsm = await jetstreamManager(nc)
  await jsm.streams.add({
    name,
    subjects: [`${name}.log.*`],
    storage: 'file',
    duplicate_window: 10 * minuteMs * 1_000_000,
  })
  const kvm = new Kvm(nc)
  await kvm.create(limits, { storage: 'memory' })
  await kvm.create(cache, { storage: 'memory', ttl: 5 * minuteMs })
  const store = name === 'lean' ? openLeanStore(nc) : await openLibraryStore(nc, [limits, cache])
  const subjects = drawnSubjects(name)

  serve(subjects.send, async (request) => {
    const message = request.json<OutgoingMessage>()
    const { room, sender, clientId } = message
    await countSend(store, limits, sender)
    const seq = await store.append(`${name}.log.${room}`, request.string(), clientId)
    const notifyId = `${seq}-${clientId}`
    await store.put(cache, notifyId, JSON.stringify({ ...message, seq }))
    nc.publish(subjects.notify, JSON.stringify({ notifyId }))
    return JSON.stringify({ seq })
  })
  serve(subjects.get, async (request) => {
    const { notifyId } = request.json<{ notifyId: string }>()
    return (await store.get(cache, notifyId)) ?? 'null'
  })
  await nc.flush()

  function serve(subject: string, handle: (request: Msg) => Promise<string>) {
    nc.subscribe(subject, {
      queue: name,
      callback(_error, request) {
        handle(request).then((response) => request.respond(response))
      },
    })
  }
}

async function countSend(store: Store, limits: string, sender: string) {
  const count = Number((await store.get(limits, sender)) ?? 0)
  await store.put(limits, sender, String(count + 1))
}
