import { connectTo } from '../../connect.ts'
import { notesAtOnce } from '../../functions/_contracts.ts'
import type { Peer } from '../peer.ts'

export const rawSubject = 'raw.echo'

/** nats.js as its documentation has it: a callback, `request`, JSON. Tells and hears events as well. */
export const raw: Peer = {
  async respond(url) {
    const nc = await connectTo(url, 'raw')
    nc.subscribe(rawSubject, {
      queue: 'raw',
      callback(_error, message) {
        message.respond(JSON.stringify(message.json()))
      },
    })
    nc.subscribe('raw.tell', {
      callback(_error, message) {
        const { times, note } = message.json<{ times: number; note: object }>()
        for (let count = 0; count < times; count++) nc.publish('raw.told', JSON.stringify(note))
        message.respond('{}')
      },
    })
    let heard = 0
    nc.subscribe('raw.poured', {
      callback(_error, message) {
        message.json()
        if (++heard % notesAtOnce === 0) nc.publish('raw.heard', '{}')
      },
    })
    await nc.flush()
  },
  async connect(url) {
    const nc = await connectTo(url, 'raw caller')
    return async (note) => {
      const reply = await nc.request(rawSubject, JSON.stringify(note), { timeout: 5_000 })
      return reply.json()
    }
  },
}
