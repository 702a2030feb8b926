import type { MessageId, RoomId } from '#schema/ids'
import { type App, newClientId, type TestPerson } from './app.ts'

export function createThreads(app: App) {
  async function createThreadIn(room: RoomId, starter: TestPerson = 'alice') {
    const { id, seq } = await app.send(room, 'the question', starter)
    return { room, threadId: id, seq }
  }

  return {
    createThreadIn,
    async createThread(starter: TestPerson = 'alice') {
      return createThreadIn(await app.createRoom(['alice', 'bob']), starter)
    },
    reply(room: RoomId, threadId: MessageId, text: string, as: TestPerson) {
      const input = { room, threadId, text, clientId: newClientId() }
      return app.call('send.thread', input, as)
    },
    read: (room: RoomId, threadId: MessageId, seq: number, as: TestPerson) =>
      app.call('read.update.thread', { room, threadId, seq }, as),
    async countsOf(room: RoomId, as: TestPerson) {
      const { rooms } = await app.call('room.list', {}, as)
      const { unread, mentions } = rooms.find(({ id }) => id === room) ?? {}
      return { unread, mentions }
    },
    async stateOf(threadId: MessageId, as: TestPerson) {
      const { threads } = await app.call('thread.list', {}, as)
      return threads.find((thread) => thread.threadId === threadId)
    },
  }
}
