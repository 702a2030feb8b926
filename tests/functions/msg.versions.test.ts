import { describe, expect, it } from 'vitest'
import { type MessageId, toNotifyId } from '#schema/ids'
import {
  expectSameRejection,
  newClientId,
  nextRejection,
  type TestPerson,
  useApp,
} from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

const absent = toNotifyId({ seq: 1, id: '0'.repeat(32) as MessageId })

const readVersions = (notifyId: string, as: TestPerson) =>
  app.call('msg.versions', { notifyId }, as)

async function createEditedMessage(bob: 'owner' | 'moderator' | 'member' | 'guest' = 'moderator') {
  const room = await app.createRoom(['alice', 'bob'], 'public', { bob })
  const sent = await app.send(room, 'first', 'alice')
  const notifyId = toNotifyId(sent)
  for (const text of ['second', 'third']) await app.call('msg.edit', { notifyId, text }, 'alice')
  await expect.poll(async () => (await readVersions(notifyId, 'alice')).versions).toHaveLength(2)
  return { room, sent, notifyId }
}

describe('msg.versions', () => {
  it('returns the earlier texts with their times, oldest first', async () => {
    const { sent, notifyId } = await createEditedMessage()

    const answer = await readVersions(notifyId, 'alice')

    expect(answer).toEqual({
      versions: [
        { text: 'first', at: sent.at },
        { text: 'second', at: expect.stringMatching(/Z$/) },
      ],
    })
  })

  it.each(['owner', 'moderator'] as const)('lets a room %s read the versions', async (bob) => {
    const { notifyId } = await createEditedMessage(bob)

    const { versions } = await readVersions(notifyId, 'bob')

    expect(versions.map(({ text }) => text)).toEqual(['first', 'second'])
  })

  it('returns only the newest versions if not all fit into the response', async () => {
    const room = await app.createRoom(['alice'])
    const notifyId = toNotifyId(await app.send(room, '0', 'alice'))
    const long = (index: number) => `${index} `.padEnd(8_000, '☂')
    for (let at = 1; at <= 60; at++)
      await app.call('msg.edit', { notifyId, text: long(at) }, 'alice')
    const texts = async () =>
      (await readVersions(notifyId, 'alice')).versions.map(({ text }) => text)
    await expect.poll(async () => (await texts()).at(-1)).toBe(long(59))

    const returnedTexts = await texts()

    expect(returnedTexts.length).toBeGreaterThan(30)
    expect(returnedTexts).toEqual(
      returnedTexts.map((_, index) => long(60 - returnedTexts.length + index)),
    )
  })

  it('returns the versions of a reply in a thread', async () => {
    const room = await app.createRoom(['alice'])
    const { id: threadId } = await app.send(room, 'first', 'alice')
    const reply = { room, threadId, clientId: newClientId(), text: 'under it' }
    const notifyId = toNotifyId(await app.call('send.thread', reply, 'alice'))
    await app.call('msg.edit', { notifyId, text: 'still under it' }, 'alice')

    const texts = async () =>
      (await readVersions(notifyId, 'alice')).versions.map(({ text }) => text)

    await expect.poll(texts).toEqual(['under it'])
  })

  it('returns no versions for a message that was never edited', async () => {
    const room = await app.createRoom(['alice'])
    const notifyId = toNotifyId(await app.send(room, 'first', 'alice'))
    await app.waitForRows(room, 1)

    expect(await readVersions(notifyId, 'alice')).toEqual({ versions: [] })
  })

  it('returns no versions of a deleted message to any user', async () => {
    const { notifyId } = await createEditedMessage('owner')
    await app.call('msg.delete', { notifyId }, 'alice')

    expect(await readVersions(notifyId, 'alice')).toEqual({ versions: [] })
    expect(await readVersions(notifyId, 'bob')).toEqual({ versions: [] })
  })

  it.each(['member', 'guest'] as const)('rejects a %s who is not the sender', async (bob) => {
    const { notifyId } = await createEditedMessage(bob)

    await expect(readVersions(notifyId, 'bob')).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('rejects a call by a non-member with the same error as for an unknown message', async () => {
    const room = await app.createRoom(['alice'], 'private')
    const notifyId = toNotifyId(await app.send(room, 'between us', 'alice'))

    await expectSameRejection((id) => readVersions(id, 'bob'), { hidden: notifyId, absent })
  })

  it('rejects a call by a sender who left the room', async () => {
    const { room, notifyId } = await createEditedMessage()
    await app.call('room.leave', { room }, 'alice')

    expect(await nextRejection(() => readVersions(notifyId, 'alice'))).toBe('forbidden')
  })

  it('rejects a call in an archived room', async () => {
    const { room, notifyId } = await createEditedMessage('owner')
    await app.call('room.archive', { room, archived: true }, 'bob')

    expect(await nextRejection(() => readVersions(notifyId, 'bob'))).toBe('forbidden')
  })

  it('rejects a call by a user without a role as forbidden', async () => {
    await expect(readVersions(absent, 'charlie')).rejects.toMatchObject({ code: 'forbidden' })
  })

  it.each(badPayloads({ notifyId: absent }))(
    'rejects invalid input: %s',
    async (_name, payload) => {
      const { status } = await app.request('as.alice.msg.versions', payload, 'alice')

      expect(status).toMatch(/^4(00|13)$/)
    },
  )
})
