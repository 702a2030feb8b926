import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClient } from '#runtime/client'
import { contracts } from '#schema/contracts'
import { connectAuth, connectMany, listConnections } from '../support/connections.ts'
import { type Servers, startServers } from '../support/servers.ts'

let servers: Servers
let auth: NatsConnection

beforeAll(async () => {
  servers = await startServers('pglite')
  auth = await connectAuth(servers)
})
afterAll(async () => {
  await auth?.close()
  await servers?.[Symbol.asyncDispose]()
})

describe('connection.opened', () => {
  it('closes the newest connections of a user who has more than 100', async () => {
    const old = await connectMany(servers, 20)
    // `connectMany` fails if the runtime closes a connection over the limit before its login is
    // complete. The test ignores this.
    await connectMany(servers, 150).catch(() => undefined)

    await expect.poll(async () => (await listConnections(auth, 'alice')).length).toBeLessThan(110)
    for (const nc of old) {
      const client = createClient(nc, { contracts, user: 'alice' })
      await expect(client.call('users.me', {})).resolves.toMatchObject({ userId: 'alice' })
      client.close()
    }
  })
})
