import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect } from '@nats-io/transport-node'
import { type Client, createClient } from '#runtime/client'
import { contracts } from '#schema/contracts'
import { type ClientId, type MessageId, type RoomId, toNotifyId } from '#schema/ids'
import { type ConnId, heartbeatMs } from '#schema/messages/presence'
import type { StackUrls } from '../../../stack/state.ts'
import { fetchAccessToken } from '../../support/tokens.ts'

/** Colleagues of the demo users: the identity provider finds them in its state folder. */
const colleagues = [
  { username: 'amira', givenName: 'Amira', familyName: 'Haddad' },
  { username: 'jonas', givenName: 'Jonas', familyName: 'Weber' },
  { username: 'li', givenName: 'Li', familyName: 'Wei' },
  { username: 'maya', givenName: 'Maya', familyName: 'Okafor' },
  { username: 'tomas', givenName: 'Tomás', familyName: 'Silva' },
]

export type Name = 'alice' | 'bob' | 'amira' | 'jonas' | 'li' | 'maya' | 'tomas'

export interface Said {
  id: MessageId
  seq: number
  room: RoomId
}

/** Somebody who speaks to the functions, as the page would. */
export interface Speaker extends AsyncDisposable {
  client: Client<typeof contracts>
  say(room: string, text: string): Promise<Said>
  reply(to: Said, text: string): Promise<Said>
  react(to: Said, emoji: string): Promise<void>
  /** Is there from now on. */
  come(): Promise<void>
}

export async function writeColleagues(dir: string): Promise<void> {
  const users = colleagues.map((it) => ({
    ...it,
    password: passwordOf(it.username),
    roles: ['user'],
  }))
  const folder = join(dir, 'issuer')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await writeFile(join(folder, 'users.json'), JSON.stringify(users))
}

export const passwordOf = (name: string) => `${name}123`

export async function createSpeaker(urls: StackUrls, name: Name): Promise<Speaker> {
  const nc = await connect({
    servers: urls.nats,
    token: await fetchAccessToken(urls.issuer, name),
    inboxPrefix: `_INBOX_${name}`,
  })
  const client = createClient(nc, { contracts, user: name })
  const clientId = () => crypto.randomUUID() as ClientId
  let beating: ReturnType<typeof setInterval> | undefined
  return {
    client,
    async say(room, text) {
      const { id, seq } = await client.call('send', { room, clientId: clientId(), text })
      return { id, seq, room: room as RoomId }
    },
    async reply({ id: threadId, room }, text) {
      const said = { room, threadId, clientId: clientId(), text }
      const { id, seq } = await client.call('send.thread', said)
      return { id, seq, room }
    },
    async react(to, emoji) {
      await client.call('msg.react', { notifyId: toNotifyId(to), emoji })
    },
    async come() {
      const connId = crypto.randomUUID() as ConnId
      const beat = () => client.call('presence.heartbeat', { connId })
      await beat()
      beating = setInterval(() => void beat().catch(() => undefined), heartbeatMs)
    },
    async [Symbol.asyncDispose]() {
      clearInterval(beating)
      await nc.close()
    },
  }
}
