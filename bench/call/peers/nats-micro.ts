import { createRequire } from 'node:module'
import type { Request, Response } from 'nats-micro'
import type { Payload, Peer } from '../peer.ts'

// Without this DEBUG_LEVEL, nats-micro logs each call. It also calls `util.isUndefined`, which Node
// has removed. The function can be added only to the module that `require` returns, so this file loads
// the CommonJS build of nats-micro.
process.env.DEBUG_LEVEL ??= 'ERROR'
const require = createRequire(import.meta.url)
require('node:util').isUndefined ??= (value: unknown) => value === undefined
const { Microservice, NatsBroker }: typeof import('nats-micro') = require('nats-micro')

export const natsMicro: Peer = {
  async respond(url) {
    const broker = await connectBroker('micro', url)
    await Microservice.create(broker, {
      name: 'micro-echo',
      description: 'Returns the payload',
      version: '1.0.0',
      methods: {
        echo: {
          handler(request: Request<Payload>, response: Response<Payload>) {
            response.send(request.data)
          },
        },
      },
    })
  },
  async connect(url) {
    const broker = await connectBroker('micro caller', url)
    return (payload) => broker.request({ microservice: 'micro-echo', method: 'echo' }, payload)
  },
}

async function connectBroker(name: string, url: string) {
  const { host, username, password } = new URL(url)
  const broker = new NatsBroker({ name, servers: [host], user: username, pass: password })
  return broker.connect()
}
