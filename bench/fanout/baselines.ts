/**
 * Baselines for the fan-out of messages. They have no stream, rate limits, membership checks or
 * validation.
 */
import { Kvm } from '@nats-io/kv'
import { connectTo } from '../connect.ts'
import { type RoomName, userOf } from './room.ts'

export const baselineSubjects = {
  send: (room: RoomName) => `bare.send.${room}`,
  notify: (room: RoomName) => `bare.notify.${room}`,
  notifyUser: (user: string) => `bare.${user}.notify`,
  get: 'bare.get',
}

/** With these fields, a notification of a baseline is about as long as one of Natter. */
const envelope = { seq: 1_000_000, prev: 999_999, kind: 'message', rest: 'x'.repeat(240) }

interface Options {
  url: string
  subscriberCount: number
}

export async function serveBaselines({ url, subscriberCount }: Options): Promise<void> {
  const nc = await connectTo(url, 'bare')
  const cache = await new Kvm(nc).create('bare', { storage: 'memory' })
  const users = Array.from({ length: subscriberCount }, (_, index) => userOf('each', index))

  serve('multicast', (message) => {
    nc.publish(baselineSubjects.notify('multicast'), toNotice(message))
  })
  serve('each', (message) => {
    const notice = toNotice(message)
    for (const user of users) nc.publish(baselineSubjects.notifyUser(user), notice)
  })
  serve('fetched', async (message) => {
    const { clientId } = message
    await cache.put(clientId, toNotice(message))
    nc.publish(baselineSubjects.notify('fetched'), JSON.stringify({ clientId }))
  })
  nc.subscribe(baselineSubjects.get, {
    callback(_error, request) {
      const { clientId } = request.json<{ clientId: string }>()
      void cache.get(clientId).then((entry) => request.respond(entry?.value ?? ''))
    },
  })
  await nc.flush()

  function serve(room: RoomName, publish: (message: { clientId: string }) => unknown) {
    nc.subscribe(baselineSubjects.send(room), {
      callback(_error, request) {
        void Promise.resolve(publish(request.json())).then(() => request.respond('{}'))
      },
    })
  }
}

function toNotice(message: object): string {
  return JSON.stringify({ ...envelope, ...message })
}
