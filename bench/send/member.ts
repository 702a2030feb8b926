/** People in a room: one who says something, and those who are told and fetch it. */
import type { NatsConnection } from '@nats-io/nats-core'
import { createClient } from '../../runtime/client/index.ts'
import { contracts, topics } from '../../schema/contracts.ts'
import type { RoomId } from '../../schema/ids.ts'
import { connectTo } from '../connect.ts'
import { drawn } from './drawn.ts'

export interface Said {
  room: string
  sender: string
  clientId: string
  text: string
}

export type RoomName = 'drawn' | 'public' | 'private'

export interface Meeting {
  url: string
  room: RoomName
  listeners: number
}

/** Each has a connection of their own. */
export interface Member {
  say(said: Said): Promise<unknown>
  /** Is told of what was said, and has fetched it. */
  listen(hear: (clientId: string) => void): void
  ready(): Promise<void>
}

/** Who is in a room of so many listeners. */
export function membersOf(room: RoomName, listeners: number): string[] {
  const names = ['sender', ...Array.from({ length: listeners }, (_, at) => `listener-${at}`)]
  return names.map((name) => `${room}-${listeners}-${name}`)
}

export async function connectMember({ url, room, listeners }: Meeting, user: string) {
  const nc = await connectTo(url, user)
  return room === 'drawn' ? drawnMember(nc) : natterMember(nc, user, room, `${room}-${listeners}`)
}

function drawnMember(nc: NatsConnection): Member {
  const ask = (subject: string, body: object) => nc.request(subject, JSON.stringify(body))
  return {
    say: async (said) => (await ask(drawn.send, said)).json(),
    listen(hear) {
      nc.subscribe(drawn.notify, {
        callback(_error, message) {
          const { notifyId } = message.json<{ notifyId: string }>()
          void ask(drawn.get, { notifyId }).then((got) => hear(got.json<Said>().clientId))
        },
      })
    },
    ready: () => nc.flush(),
  }
}

function natterMember(nc: NatsConnection, user: string, kind: RoomName, room: string): Member {
  const client = createClient(nc, { contracts, user })
  return {
    say: ({ clientId, text }) => client.call('send', { room: room as RoomId, clientId, text }),
    listen(hear) {
      const fetch = async ({ notifyId }: { notifyId: string }) =>
        hear((await client.call('msg.get', { notifyId })).clientId)
      if (kind === 'public') client.listen(topics.roomNotify, { room }, fetch)
      else client.listen(topics.deliverNotify, { user, room }, fetch)
    },
    ready: () => nc.flush(),
  }
}
