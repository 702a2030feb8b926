import { describe, expect, it } from 'vitest'
import { updateCachedMessage } from '#domain/messages/message-cache'
import type { Context } from '#runtime'
import type { Message } from '#schema/messages/chat'
import { newClientId, newMessageId, newRoomId, newUserId } from '../../support/app.ts'

const at = '2026-01-31T12:00:00.000Z'
const sent = {
  id: newMessageId(),
  room: newRoomId(),
  seq: 1,
  sender: newUserId(),
  clientId: newClientId(),
  text: 'original',
  mentions: [],
  at,
} as unknown as Message
const edit = (editedSeq: number): Message => ({
  ...sent,
  text: `edit ${editedSeq}`,
  editedAt: at,
  editedSeq,
})
const deletion = (editedSeq: number): Message => ({ ...sent, text: '', deletedAt: at, editedSeq })

function createCache(onWrite?: () => void) {
  let entry: { value: Message; revision: number } | undefined
  const published: object[] = []
  const write = (value: Message, revision: number) => {
    onWrite?.()
    if ((entry?.revision ?? 0) !== revision) return false
    entry = { value, revision: revision + 1 }
    return true
  }
  const bucket = {
    get: async () => entry,
    create: async (_: string, value: Message) => write(value, 0),
    update: async (_: string, value: Message, revision: number) => write(value, revision),
  }
  const context = {
    kv: () => bucket,
    publish: (_: object, data: object) => void published.push(data),
  } as unknown as Context
  return {
    published,
    update: (message: Message) => updateCachedMessage(message, context),
    text: () => entry?.value.text,
    replace: (value: Message) => {
      entry = { value, revision: (entry?.revision ?? 0) + 1 }
    },
  }
}

describe('updateCachedMessage', () => {
  it.each<[string, Message[], string]>([
    ['the newest edit', [sent, edit(2), edit(3)], 'edit 3'],
    ['the newest edit if an earlier edit arrives after it', [sent, edit(3), edit(2)], 'edit 3'],
    ['a deletion', [sent, edit(2), deletion(3)], ''],
    ['a deletion that arrives after a later edit', [sent, edit(3), deletion(2)], ''],
    ['a deletion that arrives before a later edit', [sent, deletion(2), edit(3)], ''],
  ])('caches %s', async (_, states, text) => {
    const cache = createCache()

    for (const state of states) await cache.update(state)

    expect(cache.text()).toBe(text)
  })

  it('publishes message.changed only if it changes the cached message', async () => {
    const cache = createCache()

    for (const state of [edit(2), edit(2), deletion(3), deletion(3), edit(4)])
      await cache.update(state)

    expect(cache.published).toEqual([{ id: sent.id }, { id: sent.id }])
  })

  it('does not overwrite a newer state of the message that another process writes at the same time', async () => {
    let isFirst = true
    const cache = createCache(() => {
      if (isFirst) cache.replace(deletion(3))
      isFirst = false
    })

    await cache.update(edit(4))

    expect(cache.text()).toBe('')
    expect(cache.published).toEqual([])
  })
})
