import type { Msg, NatsConnection } from '@nats-io/transport-node'
import type { RoomId, UserId } from '#schema/ids'
import type { Notice } from '#schema/messages/event'
import type { Frame } from './evidence.ts'

/** Returns a text that contains its number and room, by which it can be found in any payload. */
export function createMarkedText(count: number, room: RoomId, rest = ''): string {
  return `${count} [in ${room}]${rest}`
}

export function findMarkedTexts(payload: string): Frame['texts'] {
  return [...payload.matchAll(/(\d+) \[in ([\w-]+)\]/g)].map(([, count, room]) => ({
    count: Number(count),
    room: internRoom(room as RoomId),
  }))
}

/**
 * Calls `onFrame` for each push to a user, and for each answer with texts of `createMarkedText`.
 */
export function recordFrames(nc: NatsConnection, user: UserId, onFrame: (frame: Frame) => void) {
  const requestTimes = trackRequestTimes(nc)
  const pushSubjects = [`deliver.${user}.>`, 'room.notify.*', 'room.presence.*', 'room.typing.*']
  for (const subject of pushSubjects)
    nc.subscribe(subject, {
      callback(_error, message) {
        if (message.subject.startsWith(`deliver.${user}.send.`)) return
        if (message.subject.startsWith(`deliver.${user}.reply.`)) return recordAnswer(message)
        const tokens = message.subject.split('.')
        const isMulticast = tokens[0] === 'room'
        const room = internRoom((isMulticast ? tokens[2] : tokens[3]) as RoomId)
        const texts = findMarkedTexts(message.string())
        const frame: Frame = { user, at: Date.now(), subject: message.subject, room, texts }
        const kind = isMulticast ? tokens[1] : tokens[2]
        onFrame(
          kind === 'notify'
            ? { ...frame, notice: { ...message.json<Notice>(), room: internRoom(room) } }
            : frame,
        )
      },
    })

  function recordAnswer(message: Msg) {
    const at = Date.now()
    const requestedAt = requestTimes.get(message.subject) ?? at
    requestTimes.delete(message.subject)
    const texts = findMarkedTexts(message.string())
    if (texts.length > 0) onFrame({ user, at, requestedAt, subject: 'an answer', texts })
  }
}

function trackRequestTimes(nc: NatsConnection) {
  const requestTimes = new Map<string, number>()
  const publish = nc.publish.bind(nc)
  nc.publish = (subject, payload, options) => {
    if (options?.reply) requestTimes.set(options.reply, Date.now())
    publish(subject, payload, options)
  }
  return requestTimes
}

const internedRooms = new Map<string, RoomId>()

/**
 * Returns a shared copy of the id. The id itself may be a substring of a payload: V8 would then
 * keep the whole payload in memory.
 */
function internRoom(room: RoomId): RoomId {
  const existing = internedRooms.get(room)
  if (existing) return existing
  const copy = structuredClone(room)
  internedRooms.set(copy, copy)
  return copy
}
