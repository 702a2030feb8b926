import { JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream'
import type { Logger } from 'pino'
import { parseSubject } from '../api/subject.ts'
import type { StreamTrigger } from '../api/trigger.ts'
import type { Requester } from '../client/requester.ts'
import { readBounds } from '../jetstream/api.ts'
import { findDeadSequences } from '../jetstream/dead-letters.ts'
import { readFromLeader } from '../jetstream/leader-reads.ts'
import { sequencesOf } from '../jetstream/partitions.ts'
import { ignoreNotFound } from '../jetstream/resources.ts'
import type { Dependencies } from '../nats/retry.ts'
import type { Backbone } from './backbone.ts'
import type { LoadedFunction } from './loaded-function.ts'

interface Position {
  name: string
  service: string
  trigger: StreamTrigger
  stream: string
  acknowledged: number
  storedUpTo: number
}

/**
 * Compares each stream with the store to which its function writes, usually a database (see the
 * option `storedUpTo`). If only one of them was restored from a backup, it is older than the other.
 * If the store lacks acknowledged messages, the function receives all messages of the stream again.
 * Throws if the stream is older, because it would give new messages the sequences of messages that
 * are already stored.
 */
export async function checkStoredPositions(
  { js, requester, partitions }: Pick<Backbone, 'js' | 'requester' | 'partitions'>,
  functions: readonly LoadedFunction[],
  { dependencies, log }: { dependencies: Dependencies; log: Logger },
): Promise<void> {
  const jsm = await js.jetstreamManager()
  for (const { name, service, definition } of functions) {
    const { trigger } = definition
    if (trigger?.kind !== 'stream' || !trigger.storedUpTo) continue
    const { storedUpTo: read } = trigger
    await dependencies.wait(`the store of ${name}`, async () => {
      const positions: Position[] = []
      for (const partition of partitions.streamsOf(trigger.stream)) {
        const { stream } = partition
        // Reads the acknowledged sequence before the store. In the other order, a message that
        // another process stores and acknowledges between the two reads would seem to be missing
        // from the store.
        const acknowledged = await readAcknowledged(jsm, stream, service)
        const storedUpTo = await read(sequencesOf(partition))
        positions.push({ name, service, trigger, stream, acknowledged, storedUpTo })
      }
      const problems = await Promise.all(
        positions.map((position) => findProblem(position, requester)),
      )
      if (problems.some(Boolean)) throw new Error(problems.filter(Boolean).join('; '))
      for (const position of positions)
        if (await lacksMessages(position, requester)) await consumeAgain(position, jsm, log)
    })
  }
}

async function readAcknowledged(jsm: JetStreamManager, stream: string, service: string) {
  const info = await jsm.consumers.info(stream, service).catch(ignoreNotFound)
  return info?.ack_floor.stream_seq ?? 0
}

async function findProblem({ name, stream, storedUpTo }: Position, requester: Requester) {
  const { last } = await readBounds(requester, stream)
  if (storedUpTo <= last) return undefined
  // The stream may have lost messages with sequences above `storedUpTo` too. So the remedy leaves a
  // gap of 10,000 sequences, in order not to use those sequences again.
  const next = storedUpTo + 10_000
  return (
    `${name} has stored messages of ${stream} up to ${storedUpTo}, but the stream ends at ${last}: it is ` +
    `older than the store, or another one. If its messages are stored, continue it after them with "nats stream ` +
    `purge ${stream} --seq ${next}", which deletes its messages; otherwise connect to the right store and stream`
  )
}

/**
 * Returns true if the stream has an acknowledged message after `storedUpTo` that is not a dead
 * letter of the function. A message that became a dead letter counts as acknowledged, but is not in
 * the store. It is stored in DEAD_LETTERS before it counts as acknowledged, so all dead letters up
 * to `acknowledged` are found.
 */
async function lacksMessages(
  { service, trigger, stream, acknowledged, storedUpTo }: Position,
  requester: Requester,
) {
  if (storedUpTo >= acknowledged) return false
  const dead = await findDeadSequences(requester, { service, stream })
  for (let seq = storedUpTo + 1; ; ) {
    const next = await readFromLeader(requester, stream, {
      seq,
      next_by_subj: parseSubject(trigger.topic.subject).pattern,
    })
    if (next === undefined || next.seq > acknowledged) return false
    if (!dead.has(next.seq)) return true
    seq = next.seq + 1
  }
}

async function consumeAgain(
  { name, service, stream, storedUpTo }: Position,
  jsm: JetStreamManager,
  log: Logger,
) {
  log.warn(
    { function: name, stream, storedUpTo },
    'the store lacks messages that are acknowledged: handling all messages of the stream again',
  )
  try {
    await jsm.consumers.delete(stream, service)
  } catch (error) {
    // Ignores that the consumer does not exist: another process may already have deleted it.
    if (!(error instanceof JetStreamApiError)) throw error
    ignoreNotFound(error)
  }
}
