import { connect } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClient } from '#runtime/client'
import { contracts } from '#schema/contracts'
import { newClientId, newRoomId } from '../support/app.ts'
import { type Servers, startServers } from '../support/servers.ts'
import { fetchAccessToken } from '../support/tokens.ts'

let servers: Servers
let token: string

beforeAll(async () => {
  servers = await startServers('pglite')
  token = await fetchAccessToken(servers.urls.issuer, 'alice')
})
afterAll(() => servers?.[Symbol.asyncDispose]())

/** The auth callout may not have reconnected yet. */
async function logIn() {
  const options = { servers: servers.urls.nats, token, reconnect: false, timeout: 2_000 }
  for (;;) {
    const nc = await connect(options).catch(() => undefined)
    if (nc) return nc
  }
}

describe('a restart of the NATS server', { timeout: 120_000 }, () => {
  it('lets users log in and send again', async () => {
    const room = newRoomId()
    for (let restart = 0; restart < 3; restart++) {
      const users = await Promise.all(Array.from({ length: 10 }, logIn))
      const sent = users.map(async (nc) => {
        const client = createClient(nc, { contracts, user: 'alice' })
        if (restart === 0)
          await client.call('room.create', { room, name: 'A room', kind: 'public' })
        const message = { room, clientId: newClientId(), text: 'hello' }
        const send = () => client.call('send', message).catch(({ code }) => code)
        await expect.poll(send, { timeout: 7_500 }).toMatchObject({ id: expect.any(String) })
        await nc.close()
      })
      await Promise.all(sent)
      await servers.nats.kill('SIGKILL')
      await servers.nats.restart()
    }
  })
})
