import { createRequire } from 'node:module'
import type { Request, Response } from 'nats-micro'
import type { Note, Peer } from '../peer.ts'

// It calls `util.isUndefined`, which Node has no more. Its CommonJS build looks it up when called, so
// it runs again once the function is put back. And unless told otherwise, it logs.
process.env.DEBUG_LEVEL ??= 'ERROR'
const require = createRequire(import.meta.url)
require('node:util').isUndefined ??= (value: unknown) => value === undefined
const { Microservice, NatsBroker }: typeof import('nats-micro') = require('nats-micro')

/** nats-micro, as it comes. */
export const natsMicro: Peer = {
  async respond(url) {
    const broker = await connectBroker('micro', url)
    await Microservice.create(broker, {
      name: 'micro-echo',
      description: 'The same again',
      version: '1.0.0',
      methods: {
        say: {
          handler(request: Request<Note>, response: Response<Note>) {
            response.send(request.data)
          },
        },
      },
    })
  },
  async connect(url) {
    const broker = await connectBroker('micro caller', url)
    return (note) => broker.request({ microservice: 'micro-echo', method: 'say' }, note)
  },
}

async function connectBroker(name: string, url: string) {
  const { host, username, password } = new URL(url)
  const broker = new NatsBroker({ name, servers: [host], user: username, pass: password })
  return broker.connect()
}
