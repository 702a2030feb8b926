import * as v from 'valibot'

/**
 * Pattern of user and room ids. They are tokens of NATS subjects, so they contain no dots, wildcards
 * or spaces.
 */
const token = /^[a-z0-9_-]{1,64}$/

export const UserId = v.pipe(v.string(), v.regex(token), v.brand('UserId'))
export type UserId = v.InferOutput<typeof UserId>

export const RoomId = v.pipe(v.string(), v.regex(token), v.brand('RoomId'))
export type RoomId = v.InferOutput<typeof RoomId>

/** Id of a room key. Begins with a capital letter, so that it differs from all room ids. */
export const KeyId = v.pipe(v.string(), v.regex(/^K[A-Za-z0-9_-]{22}$/), v.brand('KeyId'))
export type KeyId = v.InferOutput<typeof KeyId>

/**
 * Id of a message. It cannot be guessed, because the server derives it from the sender, the client id
 * and a secret key.
 */
export const MessageId = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/), v.brand('MessageId'))
export type MessageId = v.InferOutput<typeof MessageId>

/**
 * Id that a client gives to a message. A retry must use the same client id. If it is a UUIDv7, it
 * contains the time of its creation. If that time is recent, the stream detects a retry, so the
 * server needs no database query.
 */
export const ClientId = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,64}$/), v.brand('ClientId'))
export type ClientId = v.InferOutput<typeof ClientId>

/** Time in UTC with milliseconds, such as `2026-01-31T12:00:00.000Z`. */
export const Time = v.pipe(v.string(), v.isoTimestamp())

/** Sequence of an event in the stream CHAT_MESSAGES, which all rooms share. */
export const Seq = v.pipe(v.number(), v.safeInteger(), v.minValue(1))

/** Id of a message in notifications: its sequence in base 36, `-`, and its message id. */
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
