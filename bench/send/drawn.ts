/** `send` and `msg.get` as the flows draw them, one call to JetStream after the other. */
import { jetstreamManager } from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import type { Msg } from '@nats-io/nats-core'
import { connectTo } from '../connect.ts'
import { type Journal, openJournal, openLeanJournal } from './journal.ts'
import type { Said } from './member.ts'

/** By the libraries' own calls, or by the lean requester. */
export type DrawnName = 'drawn' | 'lean'

const minuteMs = 60_000

/** Where each is asked, and where it tells. */
export function drawnSubjects(name: DrawnName) {
  return { send: `${name}.send`, get: `${name}.msg.get`, notify: `${name}.notify` }
}

/** Answers in this process from now on. */
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
  const journal = name === 'lean' ? openLeanJournal(nc) : await openJournal(nc, [limits, cache])
  const subjects = drawnSubjects(name)

  answer(subjects.send, async (message) => {
    const said = message.json<Said>()
    await countSend(journal, limits, said.sender)
    const seq = await journal.append(`${name}.log.${said.room}`, message.string(), said.clientId)
    const notifyId = `${seq}-${said.clientId}`
    await journal.put(cache, notifyId, JSON.stringify({ ...said, seq }))
    nc.publish(subjects.notify, JSON.stringify({ notifyId }))
    return JSON.stringify({ seq })
  })
  answer(subjects.get, async (message) => {
    const { notifyId } = message.json<{ notifyId: string }>()
    return (await journal.get(cache, notifyId)) ?? 'null'
  })
  await nc.flush()

  function answer(subject: string, handle: (message: Msg) => Promise<string>) {
    nc.subscribe(subject, {
      queue: name,
      callback(_error, message) {
        handle(message).then((value) => message.respond(value))
      },
    })
  }
}

async function countSend(journal: Journal, limits: string, sender: string) {
  const count = Number((await journal.get(limits, sender)) ?? 0)
  await journal.put(limits, sender, String(count + 1))
}
