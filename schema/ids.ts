import * as v from 'valibot'

/** User and room ids are subject tokens, so they contain no dots, wildcards or spaces. */
const token = /^[a-z0-9_-]{1,64}$/

export const UserId = v.pipe(v.string(), v.regex(token), v.brand('UserId'))
export type UserId = v.InferOutput<typeof UserId>

export const RoomId = v.pipe(v.string(), v.regex(token), v.brand('RoomId'))
export type RoomId = v.InferOutput<typeof RoomId>

/** Derived by the server from sender and client id with a secret key, so it is unguessable. */
export const MessageId = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/), v.brand('MessageId'))
export type MessageId = v.InferOutput<typeof MessageId>

/**
 * A client's own id for a message; a retry must use the same one. Any token is valid, but only a UUIDv7
 * created with the message saves the server a database query.
 */
export const ClientId = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,64}$/), v.brand('ClientId'))
export type ClientId = v.InferOutput<typeof ClientId>

/** Server time in milliseconds: `2026-01-31T12:00:00.000Z`. */
export const Time = v.pipe(v.string(), v.isoTimestamp())

/** A stream sequence, shared by all rooms: a higher one is later. */
export const Seq = v.pipe(v.number(), v.safeInteger(), v.minValue(1))

/** A message's sequence in base 36 and its id, joined by `-`. */
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
