import { describe, expect, it } from 'vitest'
import { readSince } from '#domain/log/read-since'
import type { Context, StreamMessage } from '#runtime'
import { type MessageId, type RoomId, toNotifyId, type UserId } from '#schema/ids'
import type { RoomEvent } from '#schema/messages/event'

const room = 'room' as RoomId
const by = 'alice' as UserId
const at = '2026-01-31T12:00:00.000Z'
const idOf = (seq: number) => seq.toString(16).padStart(32, '0') as MessageId
const targetOf = (seq: number) => ({ notifyId: toNotifyId({ seq, id: idOf(seq) }) })
const logged = (seq: number, data: object) =>
  ({ seq, data, at: new Date(at) }) as StreamMessage<RoomEvent>
const message = (seq: number) => logged(seq, { kind: 'message', id: idOf(seq), text: 'original' })
const edit = (seq: number, of: number) =>
  logged(seq, { kind: 'edit', room, by, at, message: targetOf(of), text: 'edited' })
const react = (seq: number, of: number) =>
  logged(seq, { kind: 'react', room, by, at, message: targetOf(of), emoji: '👍', on: true })
const deletion = (seq: number, of: number) =>
  logged(seq, { kind: 'delete', room, by, at, message: targetOf(of) })

/** Returns a context whose `readAfter` returns `reads` in order, and then repeats the last one. */
function givenReads(...reads: (StreamMessage<RoomEvent>[] | undefined)[]) {
  let count = 0
  const readAfter = async () => reads[Math.min(count++, reads.length - 1)]
  return { context: { readAfter } as unknown as Context, count: () => count }
}

const seqs = async (context: Context) => (await readSince(room, 1, context))?.map(({ seq }) => seq)

describe('readSince', () => {
  it('reads the stream once when no message is missing', async () => {
    const { context, count } = givenReads([message(2), edit(3, 2), react(4, 1), react(5, 2)])

    expect(await seqs(context)).toEqual([2, 3, 4, 5])
    expect(count()).toBe(1)
  })

  it('reads the stream again when a message was purged during the read', async () => {
    const incomplete = [message(2), edit(5, 3), react(6, 3)]
    const { context, count } = givenReads(incomplete, [message(2), react(6, 3), deletion(7, 3)])

    expect(await seqs(context)).toEqual([2, 6, 7])
    expect(count()).toBe(2)
  })

  it('returns the reactions to a purged duplicate of a message, although the duplicate has no deletion event', async () => {
    const { context, count } = givenReads([message(2), react(6, 4)])

    expect(await seqs(context)).toEqual([2, 6])
    expect(count()).toBe(2)
  })

  it('returns undefined when the first or the second read finds too many events', async () => {
    expect(await seqs(givenReads(undefined).context)).toBeUndefined()
    expect(await seqs(givenReads([react(6, 3)], undefined).context)).toBeUndefined()
  })

  it('leaves out deleted messages and their edits', async () => {
    const { context } = givenReads([message(2), edit(3, 2), message(4), deletion(5, 2), edit(6, 2)])

    expect(await seqs(context)).toEqual([4, 5])
  })
})
