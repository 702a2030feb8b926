import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { closeDb } from '#schema/db'
import { toNotifyId } from '#schema/ids'
import { messageChanged } from '#schema/messages/event'
import { type App, createApp } from '../support/app.ts'
import { type Servers, startServers } from '../support/servers.ts'

let servers: Servers
let app: App

beforeAll(async () => {
  servers = await startServers(inject('servers').database)
  process.env.DATABASE_URL = servers.urls.databaseUrl
  await servers.startAnother('runtime-2')
  app = createApp(servers.urls)
})
afterAll(async () => {
  await app?.[Symbol.asyncDispose]()
  await closeDb()
  await servers?.[Symbol.asyncDispose]()
})

describe('message.changed', () => {
  it('makes every process return the edited text once msg.edit has returned', async () => {
    const { notifyId } = await createMessage()
    expect(await readFromAllProcesses(notifyId)).toEqual(new Set(['first']))

    for (const text of ['second', 'third', 'fourth']) {
      await app.call('msg.edit', { notifyId, text }, 'alice')

      expect(await readFromAllProcesses(notifyId)).toEqual(new Set([text]))
    }
  })

  it('makes every process return a deleted message without its text once msg.delete has returned', async () => {
    const { notifyId } = await createMessage()
    expect(await readFromAllProcesses(notifyId)).toEqual(new Set(['first']))

    await app.call('msg.delete', { notifyId }, 'alice')

    expect(await readFromAllProcesses(notifyId)).toEqual(new Set(['']))
  })

  it('is published once for each change of a message, and contains only the message id', async () => {
    const { id, notifyId } = await createMessage()
    const changes = await app.listen(messageChanged, { id }, 'functions')

    await app.call('msg.edit', { notifyId, text: 'second' }, 'alice')
    await app.call('msg.edit', { notifyId, text: 'second' }, 'alice')
    await app.call('msg.delete', { notifyId }, 'alice')
    await app.call('msg.delete', { notifyId }, 'alice')

    expect(await changes.next()).toEqual({ id })
    expect(await changes.next()).toEqual({ id })
    // Once this later message is persisted, `persist` has processed the edit and the deletion. No
    // further `message.changed` can follow.
    const other = await createMessage()
    await app.waitForRows(other.room, 1)
    expect(changes.unread()).toEqual([])
  })
})

async function createMessage() {
  const room = await app.createRoom(['alice', 'bob'])
  const sent = await app.send(room, 'first', 'alice')
  return { room, ...sent, notifyId: toNotifyId(sent) }
}

/** Calls msg.get 60 times, so that both processes answer. Returns the different texts. */
async function readFromAllProcesses(notifyId: string): Promise<Set<string>> {
  const read = () => app.call('msg.get', { notifyId }, 'bob')
  const answers = await Promise.all(Array.from({ length: 60 }, read))
  return new Set(answers.map(({ text }) => text))
}
