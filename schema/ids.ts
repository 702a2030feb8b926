import * as v from 'valibot'

/** Ids of people and rooms stand in subjects as one token, so they hold nothing that means more. */
const token = /^[a-z0-9_-]{1,64}$/

export const UserId = v.pipe(v.string(), v.regex(token), v.brand('UserId'))
export type UserId = v.InferOutput<typeof UserId>

export const RoomId = v.pipe(v.string(), v.regex(token), v.brand('RoomId'))
export type RoomId = v.InferOutput<typeof RoomId>

/** Made by the server from the sender and the client's id, with a key: it can't be guessed. */
export const MessageId = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/), v.brand('MessageId'))
export type MessageId = v.InferOutput<typeof MessageId>

/**
 * What a client calls its own message before the server does; the same one for every retry. Any
 * token will do, and a UUIDv7 made when the message was written is the quickest to check.
 */
export const ClientId = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,64}$/), v.brand('ClientId'))
export type ClientId = v.InferOutput<typeof ClientId>

/** The server's clock, to the millisecond: `2026-01-31T12:00:00.000Z`. */
export const Time = v.pipe(v.string(), v.isoTimestamp())

/** A place in the log: within a room, a higher one is later. Counts all rooms together. */
export const Seq = v.pipe(v.number(), v.safeInteger(), v.minValue(1))

/** Where a message is and which one it must be: its sequence in base 36, then its id. */
export const NotifyId = v.pipe(
  v.string(),
  v.regex(/^[0-9a-z]{1,10}-[0-9a-f]{32}$/),
  v.brand('NotifyId'),
)
export type NotifyId = v.InferOutput<typeof NotifyId>

export function toNotifyId({ seq, id }: { seq: number; id: MessageId }): NotifyId {
  return `${seq.toString(36)}-${id}` as NotifyId
}

export function readNotifyId(notifyId: NotifyId): { seq: number; id: MessageId } {
  const [seq = '', id = ''] = notifyId.split('-')
  return { seq: Number.parseInt(seq, 36), id: id as MessageId }
}
