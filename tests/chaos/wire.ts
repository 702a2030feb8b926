import type { NatsConnection } from '@nats-io/transport-node'
import type { RoomId, UserId } from '#schema/ids'
import type { Notice } from '#schema/messages/event'
import type { Frame } from './evidence.ts'

/** Every text says where it was written, so that it is known again wherever it turns up. */
export function writeText(count: number, room: RoomId, rest = ''): string {
  return `${count} [in ${room}]${rest}`
}

/** The texts in whatever came. */
export function findTexts(payload: string): Frame['said'] {
  return [...payload.matchAll(/(\d+) \[in ([\w-]+)\]/g)].map(([, count, room]) => ({
    count: Number(count),
    room: intern(room as RoomId),
  }))
}

/** Keeps all that comes over a connection, wanted or not, and tells of each thing. */
export function keepFrames(nc: NatsConnection, user: UserId, hear: (frame: Frame) => void) {
  const asked = rememberQuestions(nc)
  const pushes = [`deliver.${user}.>`, 'room.notify.*', 'room.presence.*', 'room.typing.*']
  for (const subject of pushes)
    nc.subscribe(subject, {
      callback(_error, message) {
        // What they say themselves is within what they may hear.
        if (message.subject.startsWith(`deliver.${user}.send.`)) return
        const tokens = message.subject.split('.')
        const isMulticast = tokens[0] === 'room'
        const room = intern((isMulticast ? tokens[2] : tokens[3]) as RoomId)
        const said = findTexts(message.string())
        const frame: Frame = { user, at: Date.now(), subject: message.subject, room, said }
        const kind = isMulticast ? tokens[1] : tokens[2]
        hear(
          kind === 'notify'
            ? { ...frame, notice: { ...message.json<Notice>(), room: intern(room) } }
            : frame,
        )
      },
    })
  nc.subscribe(`_INBOX_${user}.>`, {
    callback(_error, message) {
      const at = Date.now()
      const askedAt = asked.get(message.subject) ?? at
      asked.delete(message.subject)
      const said = findTexts(message.string())
      if (said.length > 0) hear({ user, at, askedAt, subject: 'an answer', said })
    },
  })
}

/** When each question was asked, by the subject of its answer. */
function rememberQuestions(nc: NatsConnection) {
  const asked = new Map<string, number>()
  const publish = nc.publish.bind(nc)
  nc.publish = (subject, payload, options) => {
    if (options?.reply) asked.set(options.reply, Date.now())
    publish(subject, payload, options)
  }
  return asked
}

const rooms = new Map<string, RoomId>()

/** A part of a string keeps all of it in memory; one for each room will do. */
function intern(room: RoomId): RoomId {
  const known = rooms.get(room)
  if (known) return known
  const own = structuredClone(room)
  rooms.set(own, own)
  return own
}
