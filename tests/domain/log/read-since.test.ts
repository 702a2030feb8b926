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
const place = (seq: number, data: object) =>
  ({ seq, data, at: new Date(at) }) as StreamMessage<RoomEvent>
const message = (seq: number) => place(seq, { kind: 'message', id: idOf(seq), text: 'said' })
const edit = (seq: number, of: number) =>
  place(seq, { kind: 'edit', room, by, at, message: targetOf(of), text: 'edited' })
const react = (seq: number, of: number) =>
  place(seq, { kind: 'react', room, by, at, message: targetOf(of), emoji: '👍', on: true })
const deletion = (seq: number, of: number) =>
  place(seq, { kind: 'delete', room, by, at, message: targetOf(of) })

/** A log that answers with one of these after the other, and goes on answering with the last. */
function givenReads(...reads: (StreamMessage<RoomEvent>[] | undefined)[]) {
  let count = 0
  const readAfter = async () => reads[Math.min(count++, reads.length - 1)]
  return { context: { readAfter } as unknown as Context, count: () => count }
}

const seqs = async (context: Context) => (await readSince(room, 1, context))?.map(({ seq }) => seq)

describe('what happened since', () => {
  it('is read once where it is whole', async () => {
    const { context, count } = givenReads([message(2), edit(3, 2), react(4, 1), react(5, 2)])

    expect(await seqs(context)).toEqual([2, 3, 4, 5])
    expect(count()).toBe(1)
  })

  it('is read again where a message went between the look at the end and the read', async () => {
    const torn = [message(2), edit(5, 3), react(6, 3)]
    const { context, count } = givenReads(torn, [message(2), react(6, 3), deletion(7, 3)])

    expect(await seqs(context)).toEqual([2, 6, 7])
    expect(count()).toBe(2)
  })

  it('has what was done to a second copy that went without a deletion', async () => {
    const { context, count } = givenReads([message(2), react(6, 4)])

    expect(await seqs(context)).toEqual([2, 6])
    expect(count()).toBe(2)
  })

  it('is not there where it is too much, or was by the second look', async () => {
    expect(await seqs(givenReads(undefined).context)).toBeUndefined()
    expect(await seqs(givenReads([react(6, 3)], undefined).context)).toBeUndefined()
  })

  it('has nothing of what was said by who deleted it', async () => {
    const { context } = givenReads([message(2), edit(3, 2), message(4), deletion(5, 2), edit(6, 2)])

    expect(await seqs(context)).toEqual([4, 5])
  })
})
