import { describe, expect, it } from 'vitest'
import { type RoomId, toNotifyId } from '#schema/ids'
import {
  createRoom,
  expectNoProblems,
  goTo,
  message,
  useClientFixture,
  type Visitor,
} from '../support/client-fixture.ts'
import { createTestUser } from '../support/test-user.ts'

let alice: Visitor
let bob: Visitor

const fixture = useClientFixture({
  env: { RATE_LIMIT_FACTOR: '10' },
  async setUp({ open }) {
    alice = await open('alice')
    bob = await open('bob')
  },
})

describe('the dialog for a new room', { timeout: 60_000 }, () => {
  it('suggests a room id for any room name', async () => {
    const { page } = alice
    await page.getByRole('button', { name: 'Create room' }).click()
    const dialog = page.getByRole('dialog', { name: 'Create room' })
    const suggestionFor = async (name: string) => {
      await dialog.getByLabel('Name').fill(name)
      return dialog.getByLabel('Address').inputValue()
    }

    expect(await suggestionFor('Größe, Übung & Café')).toBe('grosse-ubung-cafe')
    expect(await suggestionFor('设计')).toMatch(/^room-[a-z0-9]{4}$/)
    expect(await suggestionFor('')).toBe('')
    await page.keyboard.press('Escape')
  })
})

describe('the quick switcher', { timeout: 60_000 }, () => {
  it('opens a public room that the user has not joined, and a new direct room', async () => {
    const room = await createRoom(bob.page, 'public')
    const { page } = alice
    const jumpTo = async (text: string, option: RegExp) => {
      await page.keyboard.press('Control+k')
      await page.getByRole('combobox').fill(text)
      await page.getByRole('option', { name: option }).click()
    }

    await jumpTo(room, new RegExp(room))
    await page.getByRole('button', { name: 'Join room' }).waitFor()
    await jumpTo('bob', /Bob Brown/)

    await page.getByRole('heading', { level: 1, name: 'Bob Brown' }).waitFor()
    await page.getByText('This is the start of your conversation with Bob Brown.').waitFor()
  })
})

describe('a public room that the user has not joined', { timeout: 60_000 }, () => {
  it.each([
    ['shows its stored messages and new ones', false],
    [
      'shows its stored messages and new ones, although a ban makes the room publish to members only',
      true,
    ],
  ])('%s', async (_, hasBan) => {
    const room = await createRoom(bob.page, 'public')
    await using bobUser = await createTestUser(fixture.urls, 'bob')
    if (hasBan) {
      await using charlie = await createTestUser(fixture.urls, 'charlie')
      await charlie.client.call('users.me', {})
      await bobUser.client.call('room.kick', { room, userId: 'charlie' })
    }
    const { id: threadId, seq } = await bobUser.send(room, 'before the visit')
    await bobUser.reply(room, threadId, 'a reply')
    const reaction = { notifyId: toNotifyId({ id: threadId, seq }), emoji: '👍' }
    await bobUser.client.call('msg.react', { ...reaction, on: true })
    const { page } = alice

    await goTo(page, fixture.urls.web, room)
    await message(page, 'before the visit').waitFor()
    await bobUser.send(room, 'during the visit')
    await message(page, 'during the visit').waitFor()

    expect(await page.locator('#composer').count()).toBe(0)
    expect(await page.getByRole('button', { name: /^👍/ }).isDisabled()).toBe(true)
    await page.getByRole('button', { name: /^1 reply/ }).click()
    await message(page, 'a reply').waitFor()
    await page.getByRole('button', { name: 'Join room' }).click()
    await page.locator('#composer').waitFor()
    await message(page, 'during the visit').waitFor()
  })
})

describe('the invite dialog', { timeout: 60_000 }, () => {
  it('marks users who are already members of the room', async () => {
    const { page } = alice
    const room = await createRoom(page, 'public')
    await using bobUser = await createTestUser(fixture.urls, 'bob')
    await bobUser.client.call('room.join', { room })
    await page.getByRole('button', { name: 'Members', exact: true }).click()
    const members = page.getByRole('region', { name: 'Members' })
    await members.getByRole('listitem').filter({ hasText: 'Bob Brown' }).waitFor()
    await page.getByRole('button', { name: 'Invite people' }).click()

    await page.getByLabel('Search people by name').fill('bob')

    const option = page.getByRole('dialog').getByRole('option', { name: /Bob Brown/ })
    await option.filter({ hasText: 'Already a member' }).waitFor()
    expect(await option.isDisabled()).toBe(true)
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Close' }).click()
  })
})

describe('the room browser', { timeout: 60_000 }, () => {
  it('lists public rooms in pages of fifty', async () => {
    await using bobUser = await createTestUser(fixture.urls, 'bob')
    const name = `many-${crypto.randomUUID().slice(0, 8)}`
    const kind = 'public'
    for (let number = 10; number < 61; number++)
      await bobUser.client.call('room.create', { room: `${name}-${number}` as RoomId, name, kind })
    const { page } = alice
    await page.getByRole('button', { name: 'Browse rooms' }).first().click()
    const results = page.getByRole('dialog').getByRole('button', { name: /^Join/ })
    await page.getByRole('searchbox').fill(name)
    await expect.poll(() => results.count()).toBe(50)

    await page.getByRole('button', { name: 'Show more' }).click()

    await expect.poll(() => results.count()).toBe(51)
    expect(await page.getByRole('button', { name: 'Show more' }).count()).toBe(0)
    await page.keyboard.press('Escape')
    await expectNoProblems(alice)
    await expectNoProblems(bob)
  })
})
