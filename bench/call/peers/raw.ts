import { connectTo } from '../../connect.ts'
import { eventWindow } from '../../functions/_contracts.ts'
import type { Peer } from '../peer.ts'

export const rawSubject = 'raw.echo'

export const raw: Peer = {
  async respond(url) {
    const nc = await connectTo(url, 'raw')
    nc.subscribe(rawSubject, {
      queue: 'raw',
      callback(_error, message) {
        message.respond(JSON.stringify(message.json()))
      },
    })
    nc.subscribe('raw.publish', {
      callback(_error, message) {
        const { times, payload } = message.json<{ times: number; payload: object }>()
        for (let count = 0; count < times; count++)
          nc.publish('raw.published', JSON.stringify(payload))
        message.respond('{}')
      },
    })
    let received = 0
    nc.subscribe('raw.event', {
      callback(_error, message) {
        message.json()
        if (++received % eventWindow === 0) nc.publish('raw.received', '{}')
      },
    })
    await nc.flush()
  },
  async connect(url) {
    const nc = await connectTo(url, 'raw caller')
    return async (payload) => {
      const reply = await nc.request(rawSubject, JSON.stringify(payload), { timeout: 5_000 })
      return reply.json()
    }
  },
}
