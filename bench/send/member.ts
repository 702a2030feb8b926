/** People in a room: one who says something, and those who are told and fetch it. */
import type { NatsConnection } from '@nats-io/nats-core'
import { createClient, createRequester } from '../../runtime/client/index.ts'
import { contracts, topics } from '../../schema/contracts.ts'
import type { RoomId } from '../../schema/ids.ts'
import type { Notice } from '../../schema/messages/event.ts'
import { connectTo } from '../connect.ts'
import { type DrawnName, drawnSubjects } from './drawn.ts'

export interface Said {
  room: string
  sender: string
  clientId: string
  text: string
}

type KindName = 'public' | 'private'
export type RoomName = DrawnName | KindName

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
  return isDrawn(room)
    ? drawnMember(nc, room)
    : natterMember(nc, user, room, `${room}-${listeners}`)
}

export function isDrawn(room: RoomName): room is DrawnName {
  return room === 'drawn' || room === 'lean'
}

function drawnMember(nc: NatsConnection, name: DrawnName): Member {
  const subjects = drawnSubjects(name)
  const requester = name === 'lean' ? createRequester(nc) : undefined
  const ask = async <Answer>(subject: string, body: object) => {
    const payload = JSON.stringify(body)
    const reply = await (requester?.request(subject, payload, { timeoutMs: 5_000 }) ??
      nc.request(subject, payload, { timeout: 5_000 }))
    return reply.json<Answer>()
  }
  return {
    say: (said) => ask(subjects.send, said),
    listen(hear) {
      nc.subscribe(subjects.notify, {
        callback(_error, message) {
          const { notifyId } = message.json<{ notifyId: string }>()
          void ask<Said>(subjects.get, { notifyId }).then(({ clientId }) => hear(clientId))
        },
      })
    },
    ready: () => nc.flush(),
  }
}

function natterMember(nc: NatsConnection, user: string, kind: KindName, room: string): Member {
  const client = createClient(nc, { contracts, user })
  return {
    say: ({ clientId, text }) => client.call('send', { room: room as RoomId, clientId, text }),
    listen(hear) {
      const fetch = async ({ event, notifyId }: Notice) => {
        if (event?.kind === 'message') hear(event.clientId)
        else if (notifyId) hear((await client.call('msg.get', { notifyId })).clientId)
      }
      if (kind === 'public') client.listen(topics.roomNotify, { room }, fetch)
      else client.listen(topics.deliverNotify, { user, room }, fetch)
    },
    ready: () => nc.flush(),
  }
}
