import { connect } from '@nats-io/transport-node'
import { type Client, createClient } from '#runtime/client'
import { contracts } from '#schema/contracts'
import type { StackUrls } from '../../stack/state.ts'
import { newClientId } from './app.ts'
import type { PersonName } from './client-fixture.ts'

/** Somebody who is there without a browser, and so can say much in little time. */
export interface TestUser extends AsyncDisposable {
  client: Client<typeof contracts>
  send(room: string, text: string): Promise<{ id: string; seq: number }>
  reply(room: string, threadId: string, text: string): Promise<{ id: string; seq: number }>
}

export async function createTestUser(urls: StackUrls, person: string): Promise<TestUser> {
  const nc = await connect({
    servers: urls.nats,
    token: await readToken(urls.issuer, person as PersonName),
    inboxPrefix: `_INBOX_${person}`,
  })
  const client = createClient(nc, { contracts, user: person })
  return {
    client,
    send: (room, text) => client.call('send', { room, clientId: newClientId(), text }),
    reply: (room, threadId, text) =>
      client.call('send.thread', { room, threadId, clientId: newClientId(), text }),
    [Symbol.asyncDispose]: () => nc.close(),
  }
}

async function readToken(issuer: string, person: PersonName): Promise<string> {
  const response = await fetch(`${issuer}/protocol/openid-connect/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'password',
      client_id: 'natter-cli',
      username: person,
      password: `${person}123`,
      scope: 'openid profile',
    }),
  })
  if (!response.ok) throw new Error(`No token for ${person}: ${await response.text()}`)
  const { access_token } = (await response.json()) as { access_token: string }
  return access_token
}
