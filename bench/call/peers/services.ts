import { Svcm } from '@nats-io/services'
import { connectTo } from '../../connect.ts'
import { connectLean } from '../lean.ts'
import type { Peer } from '../peer.ts'

const subject = 'services.echo'

export const services: Peer = {
  async respond(url) {
    const nc = await connectTo(url, 'services')
    const service = await new Svcm(nc).add({ name: 'plain-echo', version: '1.0.0' })
    service.addEndpoint('echo', {
      subject,
      handler(_error, message) {
        message.respond(JSON.stringify(message.json()))
      },
    })
    await nc.flush()
  },
  connect: (url) => connectLean(url, subject),
}
