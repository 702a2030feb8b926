import { type ConsumerProgress, type Context, partitionOf, type StreamDeclaration } from '#runtime'
import type { RoomId } from '#schema/ids'
import { chatRoom } from '#schema/messages/event'
import { CHAT_MESSAGES } from '#schema/streams'
import { singleFlight } from '../cache/single-flight.ts'

type Name = 'persist' | 'persist.thread'

/**
 * A cached sequence may be too low. This is safe: callers then apply persisted events a second
 * time, which changes nothing.
 */
const cachedProgress = singleFlight(
  (_key: string, { stream, name, context }: { stream: StreamDeclaration } & Progress) =>
    context.consumerProgress(stream, name),
)

interface Progress {
  name: Name
  context: Context
}

function readProgress(stream: StreamDeclaration, progress: Progress) {
  return cachedProgress(`${stream.stream} ${progress.name}`, { stream, ...progress })
}

/**
 * Returns an id of the stream CHAT_MESSAGES. It changes when the stream is restored from a backup, because a
 * sequence may then belong to another event than before. It may also change for other reasons.
 */
export async function readLogId(context: Context): Promise<string> {
  const partitions = context.partitions(CHAT_MESSAGES)
  const all = await Promise.all(
    partitions.map((stream) => readProgress(stream, { name: 'persist', context })),
  )
  const [newest = ''] = all.map(({ since }) => since).sort((a, b) => b.localeCompare(a))
  return newest
}

/**
 * Returns the sequence in CHAT_MESSAGES up to which all events of `scope` are persisted. The
 * sequence is that of one partition: the partition of the given room, or the one to which `seq`
 * belongs. `caughtUp` is true if the partition had no later event when it was read. That was at
 * most half a second ago. Call this before the database query whose result you compare with the
 * sequence.
 */
export async function findPersistedSequence(
  place: { room: RoomId } | { seq: number },
  scope: 'rooms' | 'threads too',
  context: Context,
): Promise<ConsumerProgress> {
  const names: Name[] = scope === 'rooms' ? ['persist'] : ['persist', 'persist.thread']
  const stream = partitionAt(place, context)
  const progress = await Promise.all(names.map((name) => readProgress(stream, { name, context })))
  return {
    seq: Math.min(...progress.map(({ seq }) => seq)),
    caughtUp: progress.every(({ caughtUp }) => caughtUp),
  }
}

/** A forged sequence may belong to no partition. Returns the first partition in this case. */
function partitionAt(place: { room: RoomId } | { seq: number }, context: Context) {
  if ('room' in place) return context.partitions(CHAT_MESSAGES, chatRoom, place)[0] ?? CHAT_MESSAGES
  const all = context.partitions(CHAT_MESSAGES)
  return all[partitionOf(place.seq)] ?? all[0] ?? CHAT_MESSAGES
}
