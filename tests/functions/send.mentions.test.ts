import { describe, expect, it } from 'vitest'
import type { MessageId, RoomId, UserId } from '#schema/ids'
import { toNotifyId } from '#schema/ids'
import type { Role } from '#schema/messages/room'
import { newClientId, newUserId, useApp } from '../support/app.ts'

const app = useApp()

async function mentionsIn(room: RoomId, text: string, threadId?: MessageId): Promise<string[]> {
  const input = { room, text, clientId: newClientId() }
  const sent = await (threadId === undefined
    ? app.call('send', input, 'alice')
    : app.call('send.thread', { ...input, threadId }, 'alice'))
  const { mentions } = await app.call('msg.get', { notifyId: toNotifyId(sent) }, 'alice')
  return mentions
}

describe('mentions in a message', () => {
  it.each([
    ['hello @bob', ['bob']],
    ['hello @Bob and @BOB', ['bob']],
    ['_@bob_ __@charlie__ ~~@alice~~', ['bob', 'charlie', 'alice']],
    ['@bob_ or @charlie-', ['bob', 'charlie']],
    ['(@bob), @charlie.', ['bob', 'charlie']],
    ['你好@bob', ['bob']],
    ['> - **@bob**\n\n|@charlie|\n|-|\n|x|', ['bob', 'charlie']],
    ['`@bob` and ``a ` @charlie``', []],
    ['```\n@bob\n```\n\n    @charlie', []],
    ['[@bob](https://a.example) bob@charlie.example @@bob', []],
    ['@nobody @everyone @bobby @bob@', ['bob']],
  ])('with the text %j are %j', async (text, expected) => {
    const room = await app.createRoom(['alice', 'bob', 'charlie'])

    expect(await mentionsIn(room, text)).toEqual(expected)
  })

  it('leave out users who are not members of the room', async () => {
    const room = await app.createRoom(['alice', 'bob'])

    expect(await mentionsIn(room, '@bob @charlie')).toEqual(['bob'])
  })

  it('are resolved again when the message is edited', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const sent = await app.send(room, '@bob @charlie', 'alice')
    await app.addMember(room, 'charlie', 'public')
    const notifyId = toNotifyId(sent)

    await app.call('msg.edit', { notifyId, text: '`@bob` @Charlie' }, 'alice')

    const { mentions } = await app.call('msg.get', { notifyId }, 'bob')
    expect(mentions).toEqual(['charlie'])
  })

  it.each<[Role, string[]]>([
    ['owner', ['all', 'here']],
    ['moderator', ['all', 'here']],
    ['member', []],
  ])('by a member with the role %s include the groups %j', async (role, expected) => {
    const room = await app.createRoom(['alice', 'bob'], 'public', { alice: role })

    expect(await mentionsIn(room, '@All and @here')).toEqual(expected)
  })

  it('never include the groups @all and @here in a thread', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'public', { alice: 'owner' })
    const { id } = await app.send(room, 'first', 'alice')

    expect(await mentionsIn(room, '@all @here @bob', id)).toEqual(['bob'])
  })

  it('do not reveal to clients which members were online when @here was sent', async () => {
    const [online, offline] = [newUserId(), newUserId()]
    const room = await app.createRoom(['alice', online, offline], 'public', { alice: 'owner' })
    const client = await app.clientFor(online)
    await client.call('presence.heartbeat', { connId: 'tab' as never })

    const sent = await app.send(room, '@here', 'alice')

    const answer = await app.call('chat.sync', { room, since: sent.seq - 1 }, 'alice')
    expect(answer).toMatchObject({ events: [{ event: { mentions: ['here'] as UserId[] } }] })
    expect(JSON.stringify(answer)).not.toContain(online)
  })
})
