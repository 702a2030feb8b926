import { connect } from '@nats-io/transport-node'
import { type Client, createClient } from '#runtime/client'
import { contracts } from '#schema/contracts'
import type { MessageId } from '#schema/ids'
import { appAction } from '#schema/messages/app'
import type { StackUrls } from '../../stack/state.ts'
import { newClientId } from './app.ts'
import { fetchAccessToken } from './tokens.ts'

const userContracts = { ...contracts, 'app.action': appAction }

/** A connected user without a browser, for tests that need many messages quickly. */
export interface TestUser extends AsyncDisposable {
  client: Client<typeof userContracts>
  send(room: string, text: string): Promise<{ id: MessageId; seq: number }>
  reply(room: string, threadId: string, text: string): Promise<{ id: MessageId; seq: number }>
}

export async function createTestUser(
  urls: Pick<StackUrls, 'nats' | 'issuer'>,
  person: string,
): Promise<TestUser> {
  const nc = await connect({
    servers: urls.nats,
    token: await fetchAccessToken(urls.issuer, person),
    inboxPrefix: `_INBOX_${person}`,
  })
  const client = createClient(nc, { contracts: userContracts, user: person })
  return {
    client,
    send: (room, text) => client.call('send', { room, clientId: newClientId(), text }),
    reply: (room, threadId, text) =>
      client.call('send.thread', { room, threadId, clientId: newClientId(), text }),
    [Symbol.asyncDispose]: () => nc.close(),
  }
}
