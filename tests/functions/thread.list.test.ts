import { describe, expect, it } from 'vitest'
import { useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'
import { createThreads } from '../support/thread-fixture.ts'

const app = useApp()
const { createThread, createThreadIn, reply, stateOf } = createThreads(app)

describe('thread.list', () => {
  it('returns the threads that the caller started, replied in or was mentioned in', async () => {
    const { room, threadId: started } = await createThread('bob')
    const { threadId: mentioned } = await createThreadIn(room)
    const { threadId: replied } = await createThreadIn(room)
    const { threadId: other } = await createThreadIn(room)
    const first = await reply(room, started, 'one', 'alice')
    await reply(room, mentioned, 'before', 'alice')
    const mention = await reply(room, mentioned, 'hi @bob', 'alice')
    await reply(room, replied, 'before', 'alice')
    const own = await reply(room, replied, 'mine', 'bob')
    await reply(room, other, 'nothing', 'alice')
    await app.waitForRows(room, 10)

    const { threads } = await app.call('thread.list', {}, 'bob')

    const inRoom = threads.filter((thread) => thread.room === room)
    expect(inRoom).toEqual([
      { room, threadId: replied, readSeq: own.seq, lastSeq: own.seq, unread: 0, mentions: 0 },
      {
        ...{ room, threadId: mentioned, readSeq: mention.seq - 1, lastSeq: mention.seq },
        ...{ unread: 1, mentions: 1 },
      },
      { room, threadId: started, readSeq: 0, lastSeq: first.seq, unread: 1, mentions: 0 },
    ])
  })

  it('omits the threads of rooms that the caller has left', async () => {
    const { room, threadId } = await createThread('bob')
    await reply(room, threadId, 'one', 'alice')
    await app.waitForRows(room, 2)
    expect(await stateOf(threadId, 'bob')).toBeDefined()

    await app.removeMember(room, 'bob')

    expect(await stateOf(threadId, 'bob')).toBeUndefined()
  })

  it.each(badPayloads({}))('rejects invalid input: %s', async (_name, payload) => {
    const { status } = await app.request('as.alice.thread.list', payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
