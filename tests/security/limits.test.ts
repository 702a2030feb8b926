import { connect as connectSocket } from 'node:net'
import type { NatsConnection } from '@nats-io/transport-node'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createClient } from '#runtime/client'
import { contracts, topics } from '#schema/contracts'
import { identityToken } from '#schema/identity'
import { callWithRetry } from '../../client/nats/callWithRetry.ts'
import { type App, createApp } from '../support/app.ts'
import { connectAuth, connectMany, listConnections } from '../support/connections.ts'
import { type Servers, startServers } from '../support/servers.ts'
import { fetchAccessToken } from '../support/tokens.ts'

let servers: Servers
let app: App
let auth: NatsConnection

beforeAll(async () => {
  servers = await startServers('pglite')
  app = createApp(servers.urls)
  auth = await connectAuth(servers)
})
afterAll(async () => {
  await auth?.close()
  await app?.[Symbol.asyncDispose]()
  await servers?.[Symbol.asyncDispose]()
})

async function expectDisconnected(flooding: readonly NatsConnection[], subject: string) {
  const { client } = await app.connectAs('bob')
  const payload = new Uint8Array(190_000).fill(120)
  const floods = flooding.map(async (nc) => {
    while (!nc.isClosed()) {
      for (let count = 0; count < 10; count++) nc.publish(subject, payload)
      await Promise.race([nc.flush(), nc.closed()]).catch(() => undefined)
    }
  })

  // Retry as the page does: under load, nats-server may disconnect a runtime process for some milliseconds.
  for (let count = 0; count < 100; count++)
    expect(await callWithRetry(client, 'users.me', {})).toMatchObject({ userId: 'bob' })
  await Promise.all(floods)
}

describe('a user', () => {
  it('can have at most 2,000 subscriptions per connection', async () => {
    const [nc] = (await connectMany(servers, 1)) as [NatsConnection]
    const errors: string[] = []
    void (async () => {
      for await (const status of nc.status())
        if (status.type === 'error') errors.push(status.error.message)
    })()

    for (let number = 0; number < 2_100; number++) nc.subscribe(`deliver.alice.app.${number}`)
    await nc.flush()

    await expect.poll(() => errors).toContain('maximum subscriptions exceeded')
    const [listed] = await listConnections(auth, 'alice')
    expect(listed?.subscriptions).toBe(2_000)
  })

  it('can use 20 connections with 100 rooms each', async () => {
    const connections = await connectMany(servers, 20)
    for (const nc of connections) {
      const client = createClient(nc, { contracts, user: 'alice' })
      for (let number = 0; number < 100; number++) {
        client.listen(topics.roomNotify, { room: `room-${number}` }, () => undefined)
        client.listen(topics.roomPresence, { room: `room-${number}` }, () => undefined)
      }
    }

    await Promise.all(connections.map((nc) => nc.flush()))
    for (const nc of connections) expect(nc.isClosed()).toBe(false)
    const counts = (await listConnections(auth, 'alice')).map(({ subscriptions }) => subscriptions)
    expect(counts.filter((count) => count > 200)).toHaveLength(20)
  })

  it('gets an error for a payload above 192 kB from the client library, which does not send it', async () => {
    const [nc] = (await connectMany(servers, 1)) as [NatsConnection]
    expect(nc.info?.max_payload).toBe(192 * 1_024)
    const client = createClient(nc, { contracts, user: 'alice' })

    const call = client.call('users.search', { text: 'x'.repeat(200_000) })
    await expect(call).rejects.toMatchObject({ code: 'too_large' })
  })

  it('is disconnected for a payload above 192 kB that is sent without the client library', async () => {
    const token = await fetchAccessToken(servers.urls.issuer, 'alice')
    const { hostname, port } = new URL(servers.urls.nats)
    const socket = connectSocket(Number(port), hostname)
    onTestFinished(() => void socket.destroy())
    socket.on('error', () => undefined)
    const closed = new Promise((resolve) => socket.resume().once('close', resolve))
    socket.write(`CONNECT ${JSON.stringify({ auth_token: token, verbose: false })}\r\n`)
    socket.write(`PUB as.alice.users.me 900000\r\n${'x'.repeat(900_000)}\r\n`)

    await closed
  })

  it('is disconnected and blocked for flooding the functions, and does not delay other users', async () => {
    const flooding = await connectMany(servers, 5)

    await expectDisconnected(flooding, 'as.alice.users.search')

    await expect(connectMany(servers, 1)).rejects.toThrow(/Authorization Violation/i)
    expect(await listConnections(auth, 'alice')).toEqual([])
  })

  it('is disconnected for flooding users.id, which clients call before they know their user id', async () => {
    // This test starts new servers, because the test above has blocked alice for 30 seconds.
    await using others = await startServers('pglite')
    const token = await fetchAccessToken(others.urls.issuer, 'alice')
    const { iss: issuer = '', sub: subject = '' } = decodeJwt(token)
    const flooding = await connectMany(others, 2)

    const identity = await identityToken({ issuer, subject })
    await expectDisconnected(flooding, `as.${identity}.users.id`)
  })
})
