import { setTimeout } from 'node:timers/promises'
import { AuthorizationError } from '@nats-io/nats-core'
import { connect } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
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

/** Like the page, repeats a login that the auth callout has not answered within a second. */
async function connectAndReconnect() {
  const nc = await connect({
    servers: servers.urls.nats,
    token,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    timeout: 1_000,
    ignoreAuthErrorAbort: true,
  })
  const refusals: unknown[] = []
  void (async () => {
    for await (const status of nc.status())
      if (status.type === 'error' && status.error instanceof AuthorizationError)
        refusals.push(status.error)
  })()
  return { nc, refusals, client: createClient(nc, { contracts, user: 'alice' }) }
}

describe('a restart of the NATS server', { timeout: 120_000 }, () => {
  it('lets connected users send again within seconds, and refuses none of their logins', async () => {
    const room = newRoomId()
    const first = await connectAndReconnect()
    const users = [first, ...(await Promise.all(Array.from({ length: 9 }, connectAndReconnect)))]
    onTestFinished(async () => void (await Promise.all(users.map(({ nc }) => nc.close()))))
    await first.client.call('room.create', { room, name: 'A room', kind: 'public' })
    const times: number[] = []
    for (let restart = 0; restart < 3; restart++) {
      await servers.nats.kill('SIGKILL')
      await servers.nats.restart()
      const started = performance.now()
      const sent = users.map(async ({ client }) => {
        const message = { room, clientId: newClientId(), text: 'hello' }
        const send = () => client.call('send', message).catch(({ code }) => code)
        await expect.poll(send, { timeout: 7_500 }).toMatchObject({ id: expect.any(String) })
      })
      await Promise.all(sent)
      times.push(performance.now() - started)
    }
    const list = times.map((ms) => `${Math.round(ms)} ms`).join(', ')
    console.log(`all users could send again after ${list} (at most 1500 ms)`)
    expect(users.flatMap(({ refusals }) => refusals)).toEqual([])
  })

  it('neither refuses logins that began before the auth callout reconnected, nor lets them time out', async () => {
    const options = { servers: servers.urls.nats, token, reconnect: false, timeout: 60_000 }
    const outcomes: string[] = []
    for (let restart = 0; restart < 3; restart++) {
      await servers.nats.kill('SIGKILL')
      const restarted = servers.nats.restart().then(() => true)
      const logIn = async () => {
        for (let isLast = false; !isLast; ) {
          isLast = await Promise.race([restarted, setTimeout(5, false)])
          const nc = await connect(options).catch((error: Error) => error)
          outcomes.push(nc instanceof Error ? `${nc.name}: ${nc.message}` : 'accepted')
          if (!(nc instanceof Error)) await nc.close()
        }
      }
      await Promise.all(Array.from({ length: 5 }, logIn))
    }
    expect(outcomes).toContain('accepted')
    expect(outcomes.filter((outcome) => /authoriz|timeout/i.test(outcome))).toEqual([])
  })
})
