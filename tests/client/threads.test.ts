import type { Page } from 'playwright-core'
import postgres from 'postgres'
import { describe, expect, it } from 'vitest'
import { toNotifyId } from '#schema/ids'
import {
  confirm,
  expectAccessible,
  goTo,
  message,
  typeMessage,
  useClientFixture,
  type Visitor,
} from '../support/client-fixture.ts'
import type { TestUser } from '../support/test-user.ts'

let alice: Visitor
let bob: TestUser
const fixture = useClientFixture({
  env: { RATE_LIMIT_FACTOR: '100' },
  async setUp({ open, connect }) {
    alice = await open('alice')
    bob = await connect('bob')
  },
})

async function givenRoom(): Promise<string> {
  const room = `room-${crypto.randomUUID().slice(0, 8)}`
  await bob.client.call('room.create', { room, name: room, kind: 'private' })
  await fixture.inviteAndJoin(room, 'alice', bob)
  await roomLink(room).waitFor()
  return room
}

async function open(page: Page, room: string) {
  await goTo(page, fixture.urls.web, room)
  await page.getByRole('heading', { level: 1, name: room }).waitFor()
}

const roomLink = (name: string | RegExp) => alice.page.getByRole('link', { name })
const panel = () => alice.page.getByRole('region', { name: 'Thread' })

describe('a mention in a thread', { timeout: 60_000 }, () => {
  it('stays unread when the room is opened, and opens after a click on the button “1 mention”', async () => {
    const { page } = alice
    const room = await givenRoom()
    const first = await bob.send(room, 'a question')
    await bob.reply(room, first.id, 'nothing for her')
    const mention = await bob.reply(room, first.id, '@Alice, this is for you')
    await roomLink(new RegExp(`${room}.*1 mention`)).waitFor()

    await open(page, room)
    await message(page, 'a question').waitFor()
    await page.reload()
    await message(page, 'a question').waitFor()
    await roomLink(new RegExp(`${room}.*1 mention`)).waitFor()
    await page.getByRole('button', { name: '1 mention' }).click()

    await panel().locator('article[aria-current="location"]').getByText('this is for you').waitFor()
    expect(new URL(page.url()).pathname).toBe(`/r/${room}/t/${first.id}/m/${mention.id}`)
    await roomLink(new RegExp(`^${room}$`)).waitFor()
    await page.getByRole('button', { name: '1 mention' }).waitFor({ state: 'detached' })
  })

  it('opens in the thread panel when the room is opened from the sidebar', async () => {
    const room = await givenRoom()
    const first = await bob.send(room, 'a question')
    await bob.reply(room, first.id, '@alice, from the sidebar')

    await roomLink(new RegExp(`${room}.*1 mention`)).click()

    await panel()
      .locator('article[aria-current="location"]')
      .getByText('from the sidebar')
      .waitFor()
    await roomLink(new RegExp(`^${room}$`)).waitFor()
  })

  it('is marked as read by "Mark as read" in the room menu', async () => {
    const { page } = alice
    const room = await givenRoom()
    const first = await bob.send(room, 'a question')
    await bob.reply(room, first.id, '@alice, to be marked')
    await open(page, room)
    await page.getByRole('button', { name: '1 mention' }).waitFor()

    await page.getByRole('button', { name: 'Room options' }).click()
    await page.getByRole('menuitem', { name: 'Mark as read' }).click()

    await roomLink(new RegExp(`^${room}$`)).waitFor()
  })
})

describe('a thread', { timeout: 60_000 }, () => {
  it('shows who replied, when, and how many replies are unread, also in another browser', async () => {
    const { page } = alice
    const room = await givenRoom()
    await open(page, room)
    await typeMessage(page, 'my question')
    await message(page, 'my question').waitFor()
    const find = async () =>
      (await bob.client.call('chat.history', { room })).messages.find(
        ({ text }) => text === 'my question',
      )?.id
    await expect.poll(find).toBeDefined()
    const id = (await find()) ?? ''
    await bob.reply(room, id, 'one')
    await bob.reply(room, id, 'two')

    const summary = (on: Page) => message(on, 'my question').locator('.replies')
    await expect
      .poll(() => summary(page).textContent())
      .toMatch(/^2 repliesBLast reply \d+:\d\d [AP]M22 unread messages$/)
    await expectAccessible(page)
    const second = await fixture.open('alice')
    await second.page.getByRole('link', { name: new RegExp(`${room}.*2 unread`) }).waitFor()
    await open(second.page, room)
    await expect.poll(() => summary(second.page).textContent()).toContain('2 unread messages')
    await second.page.getByRole('button', { name: '1 unread thread' }).click()
    await second.page.getByRole('region', { name: 'Thread' }).getByText('two').waitFor()

    await expect.poll(() => summary(page).textContent()).not.toContain('unread')
    await roomLink(new RegExp(`^${room}$`)).waitFor()
    await second.page.close()
  })

  it('does not count a reply that is deleted', async () => {
    const { page } = alice
    const room = await givenRoom()
    const first = await bob.send(room, 'a question')
    await bob.reply(room, first.id, 'one')
    const two = await bob.reply(room, first.id, 'two')
    await open(page, room)
    await page.getByRole('button', { name: '2 replies' }).waitFor()

    await bob.client.call('msg.delete', { notifyId: toNotifyId(two) })

    await page.getByRole('button', { name: '1 reply' }).waitFor()
    await page.reload()
    await page.getByRole('button', { name: '1 reply' }).waitFor()
  })
})

describe('mentions', { timeout: 60_000 }, () => {
  it('change the badge of the room when an edit adds or removes them', async () => {
    const room = await givenRoom()
    await open(alice.page, await givenRoom())
    const sent = await bob.send(room, 'for nobody')
    await roomLink(new RegExp(`${room}.*1 unread message$`)).waitFor()

    await bob.client.call('msg.edit', { notifyId: toNotifyId(sent), text: 'for @alice' })
    await roomLink(new RegExp(`${room}.*1 mention`)).waitFor()
    await bob.client.call('msg.edit', { notifyId: toNotifyId(sent), text: 'for `@alice`' })
    await roomLink(new RegExp(`${room}.*1 unread message$`)).waitFor()
  })

  it('are plain text in code, and if they name no member of the room', async () => {
    const { page } = alice
    const room = await givenRoom()
    await bob.send(room, 'plain: @nobody, @everyone, @charlie and `@alice`, but _@Alice_')
    await open(page, room)

    const text = message(page, 'plain:').locator('.message-text')
    await expect.poll(() => text.locator('.mention').allTextContents()).toEqual(['@Alice Adams'])
    expect(await text.textContent()).toContain('@nobody, @everyone, @charlie and @alice, but')
  })

  it('of all members notify everyone, in a large room only after a confirmation', async () => {
    const { page } = alice
    const room = `room-${crypto.randomUUID().slice(0, 8)}`
    await using charlie = await fixture.connect('charlie')
    const owner = await fixture.connect('alice')
    await owner.client.call('room.create', { room, name: room, kind: 'public' })
    await bob.client.call('room.join', { room })
    await charlie.client.call('room.join', { room })
    await open(page, room)

    await typeMessage(page, '@all, in a small room')
    await message(page, 'in a small room').waitFor()
    const mentionsOf = async (user: TestUser) =>
      (await user.client.call('room.list', {})).rooms.find(({ id }) => id === room)?.mentions
    await expect.poll(() => Promise.all([bob, charlie, owner].map(mentionsOf))).toEqual([1, 1, 0])

    const sql = postgres(fixture.urls.databaseUrl, { max: 1 })
    for (let index = 0; index < 20; index++)
      await sql`insert into members (room, user_id) values (${room}, ${`user-${index}`})`
    await sql.end()
    await typeMessage(page, '@all, in a large room')
    const dialog = page.getByRole('dialog', { name: 'Notify 22 people?' })
    await dialog.waitFor()
    await expectAccessible(page)
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    expect(await page.locator('#composer').inputValue()).toBe('@all, in a large room')
    await page.locator('#composer').press('Enter')
    await confirm(page, 'Send')

    await message(page, 'in a large room').locator('.mention').getByText('@all').waitFor()
    expect(await page.locator('#composer').inputValue()).toBe('')
    await expect.poll(() => Promise.all([bob, charlie, owner].map(mentionsOf))).toEqual([2, 2, 0])
    await owner[Symbol.asyncDispose]()
  })

  it('of all members are plain text if the sender may not notify everyone', async () => {
    const { page } = alice
    const room = await givenRoom()
    await open(page, room)

    await typeMessage(page, '@all, from a member')

    await message(page, 'from a member').waitFor()
    expect(await message(page, 'from a member').locator('.mention').count()).toBe(0)
    expect(alice.problems).toEqual([])
  })
})
