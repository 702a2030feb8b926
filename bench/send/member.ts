import type { NatsConnection } from '@nats-io/nats-core'
import { createClient, createRequester } from '../../runtime/client/index.ts'
import { contracts, topics } from '../../schema/contracts.ts'
import type { RoomId } from '../../schema/ids.ts'
import type { Notice } from '../../schema/messages/event.ts'
import { connectTo } from '../connect.ts'
import { type DrawnName, drawnSubjects } from './drawn.ts'

export interface OutgoingMessage {
  room: string
  sender: string
  clientId: string
  text: string
}

type RoomKind = 'public' | 'private'
export type RoomName = DrawnName | RoomKind

export interface RoomOptions {
  url: string
  room: RoomName
  listeners: number
}

export interface Member {
  send(message: OutgoingMessage): Promise<unknown>
  listen(onMessage: (clientId: string) => void): void
  ready(): Promise<void>
}

export function membersOf(room: RoomName, listeners: number): string[] {
  const names = ['sender', ...Array.from({ length: listeners }, (_, index) => `listener-${index}`)]
  return names.map((name) => `${room}-${listeners}-${name}`)
}

export async function connectMember({ url, room, listeners }: RoomOptions, user: string) {
  const nc = await connectTo(url, user)
  return isDrawn(room)
    ? createDrawnMember(nc, room)
    : createNatterMember(nc, user, room, `${room}-${listeners}`)
}

export function isDrawn(room: RoomName): room is DrawnName {
  return room === 'drawn' || room === 'lean'
}

function createDrawnMember(nc: NatsConnection, name: DrawnName): Member {
  const subjects = drawnSubjects(name)
  const requester = name === 'lean' ? createRequester(nc) : undefined
  const request = async <Response>(subject: string, body: object) => {
    const payload = JSON.stringify(body)
    const reply = await (requester?.request(subject, payload, { timeoutMs: 5_000 }) ??
      nc.request(subject, payload, { timeout: 5_000 }))
    return reply.json<Response>()
  }
  return {
    send: (message) => request(subjects.send, message),
    listen(onMessage) {
      nc.subscribe(subjects.notify, {
        callback(_error, notice) {
          const { notifyId } = notice.json<{ notifyId: string }>()
          const fetched = request<OutgoingMessage>(subjects.get, { notifyId })
          void fetched.then(({ clientId }) => onMessage(clientId))
        },
      })
    },
    ready: () => nc.flush(),
  }
}

function createNatterMember(
  nc: NatsConnection,
  user: string,
  kind: RoomKind,
  room: string,
): Member {
  const client = createClient(nc, { contracts, user })
  return {
    send: ({ clientId, text }) => client.call('send', { room: room as RoomId, clientId, text }),
    listen(onMessage) {
      const onNotice = async ({ event, notifyId }: Notice) => {
        if (event?.kind === 'message') onMessage(event.clientId)
        else if (notifyId) onMessage((await client.call('msg.get', { notifyId })).clientId)
      }
      if (kind === 'public') client.listen(topics.roomNotify, { room }, onNotice)
      else client.listen(topics.deliverNotify, { user, room }, onNotice)
    },
    ready: () => nc.flush(),
  }
}
