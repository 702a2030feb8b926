import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect } from '@nats-io/transport-node'
import { type Client, createClient } from '#runtime/client'
import { contracts } from '#schema/contracts'
import { type ClientId, type MessageId, type RoomId, toNotifyId } from '#schema/ids'
import { appAction } from '#schema/messages/app'
import { type ConnId, heartbeatMs } from '#schema/messages/presence'
import type { StackUrls } from '../../../stack/state.ts'
import { fetchAccessToken } from '../../support/tokens.ts'

const colleagues = [
  { username: 'amira', givenName: 'Amira', familyName: 'Haddad' },
  { username: 'jonas', givenName: 'Jonas', familyName: 'Weber' },
  { username: 'li', givenName: 'Li', familyName: 'Wei' },
  { username: 'maya', givenName: 'Maya', familyName: 'Okafor' },
  { username: 'tomas', givenName: 'Tomás', familyName: 'Silva' },
]

export type Name = 'alice' | 'bob' | 'amira' | 'jonas' | 'li' | 'maya' | 'tomas'

export interface SentMessage {
  id: MessageId
  seq: number
  room: RoomId
}

const peopleContracts = { ...contracts, 'app.action': appAction }

export interface Person extends AsyncDisposable {
  client: Client<typeof peopleContracts>
  send(room: string, text: string): Promise<SentMessage>
  reply(to: SentMessage, text: string): Promise<SentMessage>
  react(to: SentMessage, emoji: string): Promise<void>
  goOnline(): Promise<void>
}

export async function writeColleagues(dir: string): Promise<void> {
  const users = colleagues.map((colleague) => ({
    ...colleague,
    password: passwordOf(colleague.username),
    roles: ['user'],
  }))
  const folder = join(dir, 'issuer')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await writeFile(join(folder, 'users.json'), JSON.stringify(users))
}

export const passwordOf = (name: string) => `${name}123`

export async function createPerson(urls: StackUrls, name: Name): Promise<Person> {
  const nc = await connect({
    servers: urls.nats,
    token: await fetchAccessToken(urls.issuer, name),
    inboxPrefix: `_INBOX_${name}`,
  })
  const client = createClient(nc, { contracts: peopleContracts, user: name })
  const clientId = () => crypto.randomUUID() as ClientId
  let heartbeat: ReturnType<typeof setInterval> | undefined
  return {
    client,
    async send(room, text) {
      const { id, seq } = await client.call('send', { room, clientId: clientId(), text })
      return { id, seq, room: room as RoomId }
    },
    async reply({ id: threadId, room }, text) {
      const message = { room, threadId, clientId: clientId(), text }
      const { id, seq } = await client.call('send.thread', message)
      return { id, seq, room }
    },
    async react(to, emoji) {
      await client.call('msg.react', { notifyId: toNotifyId(to), emoji })
    },
    async goOnline() {
      const connId = crypto.randomUUID() as ConnId
      const beat = () => client.call('presence.heartbeat', { connId })
      await beat()
      heartbeat = setInterval(() => void beat().catch(() => undefined), heartbeatMs)
    },
    async [Symbol.asyncDispose]() {
      clearInterval(heartbeat)
      await nc.close()
    },
  }
}
