/** Telling a room with nothing around it: no log, no limits, no memberships, no validation. */
import { Kvm } from '@nats-io/kv'
import { connectTo } from '../connect.ts'
import { type RowName, userOf } from './room.ts'

export const bareSubjects = {
  say: (row: RowName) => `bare.say.${row}`,
  tell: (row: RowName) => `bare.tell.${row}`,
  tellEach: (user: string) => `bare.${user}.tell`,
  get: 'bare.get',
}

/** About as many bytes as a notice of Natter has around the message itself. */
const around = { seq: 1_000_000, prev: 999_999, kind: 'message', rest: 'x'.repeat(240) }

/** Answers in this process from now on: the room, and how many hear it. */
export async function serveBare({ url, hearers }: { url: string; hearers: number }): Promise<void> {
  const nc = await connectTo(url, 'bare')
  const cache = await new Kvm(nc).create('bare', { storage: 'memory' })
  const users = Array.from({ length: hearers }, (_, at) => userOf('each', at))

  on('multicast', (said) => nc.publish(bareSubjects.tell('multicast'), withAround(said)))
  on('each', (said) => {
    const payload = withAround(said)
    for (const user of users) nc.publish(bareSubjects.tellEach(user), payload)
  })
  on('fetched', async (said) => {
    await cache.put(said.clientId, withAround(said))
    nc.publish(bareSubjects.tell('fetched'), JSON.stringify({ clientId: said.clientId }))
  })
  nc.subscribe(bareSubjects.get, {
    callback(_error, message) {
      const { clientId } = message.json<{ clientId: string }>()
      void cache.get(clientId).then((entry) => message.respond(entry?.value ?? ''))
    },
  })
  await nc.flush()

  function on(row: RowName, tell: (said: { clientId: string }) => unknown) {
    nc.subscribe(bareSubjects.say(row), {
      callback(_error, message) {
        void Promise.resolve(tell(message.json())).then(() => message.respond('{}'))
      },
    })
  }
}

function withAround(said: object): string {
  return JSON.stringify({ ...around, ...said })
}
