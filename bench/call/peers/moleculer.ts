import { type Context, ServiceBroker } from 'moleculer'
import type { Payload, Peer } from '../peer.ts'

export const moleculer: Peer = {
  async respond(url) {
    const broker = createBroker('responder', url)
    broker.createService({
      name: 'echo',
      actions: { echo: ({ params }: Context<Payload>) => params },
    })
    await broker.start()
  },
  async connect(url) {
    const broker = createBroker('caller', url)
    await broker.start()
    await broker.waitForServices('echo')
    return (payload) => broker.call('echo.echo', payload)
  },
}

function createBroker(nodeID: string, url: string) {
  const { host, username, password } = new URL(url)
  const options = { servers: [host], user: username, pass: password }
  return new ServiceBroker({
    nodeID,
    logger: false,
    transporter: { type: 'NATS', options },
  })
}
