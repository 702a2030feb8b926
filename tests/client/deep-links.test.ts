import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import {
  goTo,
  message,
  runAction,
  useClientFixture,
  type Visitor,
} from '../support/client-fixture.ts'
import type { TestUser } from '../support/test-user.ts'

let alice: Visitor
let aliceUser: TestUser
let bob: TestUser

const fixture = useClientFixture({
  env: { RATE_LIMIT_FACTOR: '100' },
  async setUp({ open, connect }) {
    aliceUser = await connect('alice')
    bob = await connect('bob')
    alice = await open('alice', { permissions: ['clipboard-read', 'clipboard-write'] })
  },
})

interface RoomHistory {
  room: string
  sent: { id: string; seq: number }[]
}

/**
 * Creates a room with the messages `number 1.`, `number 2.` and so on. If bob sends them, they are
 * unread for alice.
 */
async function givenHistory(count: number, sender: TestUser = bob): Promise<RoomHistory> {
  const room = `room-${crypto.randomUUID().slice(0, 8)}`
  await bob.client.call('room.create', { room, name: room, kind: 'private' })
  await fixture.inviteAndJoin(room, 'alice', bob)
  await alice.page.getByRole('link', { name: room }).waitFor()
  const sent: RoomHistory['sent'] = []
  for (let number = 1; number <= count; number++)
    sent.push(await sender.send(room, `number ${number}.`))
  // The tests open links to these messages, and a link finds a message only once it is persisted.
  const newestPersisted = async () => {
    const { messages } = await aliceUser.client.call('chat.history', { room })
    return messages.at(-1)?.id
  }
  await expect.poll(newestPersisted).toBe(sent.at(-1)?.id)
  return { room, sent }
}

const pathTo = (room: string, id = '') => `/r/${room}/m/${id}`

const marked = (page: Page) => page.locator('article[aria-current="location"]')

async function scrollTo(page: Page, side: 'start' | 'end') {
  await page.getByRole('log').hover()
  await page.mouse.wheel(0, side === 'start' ? -4_000 : 4_000)
}

async function isOnScreen(page: Page, text: string): Promise<boolean> {
  const matches = message(page, text)
  if ((await matches.count()) === 0) return false
  return matches.first().evaluate((element) => {
    const { top, bottom } = element.getBoundingClientRect()
    return top >= 0 && bottom <= window.innerHeight
  })
}

describe('a link to a message or a room', { timeout: 60_000 }, () => {
  it('opens the room at the message, highlights it, and loads older and newer messages on scrolling', async () => {
    const { room, sent } = await givenHistory(150)

    await alice.page.goto(fixture.urls.web + pathTo(room, sent[59]?.id))

    await marked(alice.page).getByText('number 60.').waitFor()
    await expect.poll(() => isOnScreen(alice.page, 'number 60.')).toBe(true)
    expect(await isOnScreen(alice.page, 'number 59.')).toBe(true)
    expect(await isOnScreen(alice.page, 'number 61.')).toBe(true)
    await expect
      .poll(async () => {
        await scrollTo(alice.page, 'start')
        return isOnScreen(alice.page, 'number 1.')
      })
      .toBe(true)
    await expect
      .poll(async () => {
        await scrollTo(alice.page, 'end')
        return isOnScreen(alice.page, 'number 150.')
      })
      .toBe(true)
  })

  it('opens the thread of a reply, and highlights the reply there', async () => {
    const { room, sent } = await givenHistory(80)
    const first = sent[2]?.id ?? ''
    await bob.reply(room, first, 'an answer')
    const { id } = await bob.reply(room, first, 'the answer')
    await expect
      .poll(async () => (await aliceUser.client.try('msg.find', { room, id })).ok)
      .toBe(true)

    await goTo(alice.page, fixture.urls.web, `${room}/m/${id}`)

    const thread = alice.page.getByRole('region', { name: 'Thread' })
    await thread.locator('article[aria-current="location"]').getByText('the answer').waitFor()
    await thread.getByText('number 3.').waitFor()
    expect(new URL(alice.page.url()).pathname).toBe(`/r/${room}/t/${first}/m/${id}`)
  })

  it('opens the room at the place of a deleted message', async () => {
    const { room, sent } = await givenHistory(80)
    const { id = '', seq = 0 } = sent[4] ?? {}
    const notifyId = `${seq.toString(36)}-${id}`
    await bob.client.call('msg.delete', { notifyId })

    await goTo(alice.page, fixture.urls.web, `${room}/m/${id}`)

    await marked(alice.page).getByText('This message was deleted.').waitFor()
    await expect.poll(() => isOnScreen(alice.page, 'number 6.')).toBe(true)
  })

  it('shows a notice and the newest messages when the message does not exist', async () => {
    const { room } = await givenHistory(3)
    const unknownId = crypto.randomUUID().replaceAll('-', '')

    await goTo(alice.page, fixture.urls.web, `${room}/m/${unknownId}`)

    await alice.page.getByText('Couldn’t find the linked message.').waitFor()
    await message(alice.page, 'number 3.').waitFor()
    await alice.page.getByRole('button', { name: 'Dismiss' }).click()
    await expect
      .poll(() => alice.page.getByText('Couldn’t find the linked message').count())
      .toBe(0)
  })

  it('shows the same page for a private room of other users as for a room that does not exist', async () => {
    const room = `room-${crypto.randomUUID().slice(0, 8)}`
    await bob.client.call('room.create', { room, name: room, kind: 'private' })
    const { id } = await bob.send(room, 'between us')
    const show = async (path: string) => {
      await goTo(alice.page, fixture.urls.web, path)
      await alice.page.getByRole('heading', { name: 'Not found' }).waitFor()
      return alice.page.getByRole('main').innerHTML()
    }

    const ofOthers = await show(`${room}/m/${id}`)
    const nonexistent = await show(`room-nowhere/m/${id}`)

    expect(ofOthers).toBe(nonexistent)
    expect(alice.frames.join('\n')).not.toContain('between us')
  })

  it('can be copied from the message menu, and supports the browser’s back and forward buttons', async () => {
    const { room } = await givenHistory(2)
    await goTo(alice.page, fixture.urls.web, room)
    await message(alice.page, 'number 1.').hover()
    await message(alice.page, 'number 1.').getByRole('button', { name: 'More' }).click()
    await alice.page.getByRole('menuitem', { name: 'Copy link' }).click()
    await alice.page.getByText('Copied', { exact: true }).waitFor()
    const link = await alice.page.evaluate(() => navigator.clipboard.readText())

    await alice.page.goto(link)
    await marked(alice.page).getByText('number 1.').waitFor()
    const other = await givenHistory(1)
    await alice.page.getByRole('link', { name: other.room }).click()
    await alice.page.getByRole('heading', { level: 1, name: other.room }).waitFor()

    await alice.page.goBack()
    await marked(alice.page).getByText('number 1.').waitFor()
    expect(alice.page.url()).toBe(link)
    await alice.page.goForward()
    await alice.page.getByRole('heading', { level: 1, name: other.room }).waitFor()
  })

  it('is shown for manual copying if the browser denies access to the clipboard', async () => {
    const { room, sent } = await givenHistory(1)
    const { page } = await fixture.open('alice')
    await page.evaluate(() => {
      const refuse = () => Promise.reject(new DOMException('Write permission denied.'))
      Object.defineProperty(navigator.clipboard, 'writeText', { value: refuse })
    })
    await page.getByRole('link', { name: room }).click()
    await message(page, 'number 1.').hover()
    await message(page, 'number 1.').getByRole('button', { name: 'More' }).click()
    await page.getByRole('menuitem', { name: 'Copy link' }).click()

    const dialog = page.getByRole('dialog', { name: 'Copy manually' })
    const link = fixture.urls.web + pathTo(room, sent[0]?.id)
    expect(await dialog.getByRole('textbox').inputValue()).toBe(link)
    await expect.poll(() => page.evaluate(() => getSelection()?.toString())).toBe(link)
    await page.context().close()
  })

  it('opens the room at its first unread message, and shows how many new messages follow below', async () => {
    const { room } = await givenHistory(100)

    await alice.page.getByRole('link', { name: room }).click()

    await expect.poll(() => isOnScreen(alice.page, 'number 1.')).toBe(true)
    await alice.page.getByText('New messages', { exact: true }).waitFor()
    await alice.page.getByRole('button', { name: /^\d+ new messages$/ }).click()
    await expect.poll(() => isOnScreen(alice.page, 'number 100.')).toBe(true)
    await expect.poll(() => alice.page.getByRole('button', { name: /new message/ }).count()).toBe(0)
  })

  it('shows a button that scrolls to the first unread message', async () => {
    const { room, sent } = await givenHistory(100)

    await goTo(alice.page, fixture.urls.web, `${room}/m/${sent[97]?.id}`)
    await marked(alice.page).getByText('number 98.').waitFor()
    await alice.page.getByRole('button', { name: 'Jump to first unread' }).click()

    await expect.poll(() => isOnScreen(alice.page, 'number 1.')).toBe(true)
    await alice.page.getByText('New messages', { exact: true }).waitFor()
  })
})

async function setFocused(page: Page, isFocused: boolean) {
  await page.evaluate((hasFocus) => {
    document.hasFocus = () => hasFocus
    window.dispatchEvent(new Event(hasFocus ? 'focus' : 'blur'))
  }, isFocused)
}

async function readUnread(room: string): Promise<number | undefined> {
  const { rooms } = await aliceUser.client.call('room.list', {})
  return rooms.find(({ id }) => id === room)?.unread
}

/**
 * Tests wait for this time to see that a page sends no read position. It is longer than the delay
 * before a page sends one.
 */
const readUpdateMs = 1_200

describe('unread messages', { timeout: 60_000 }, () => {
  it('stay unread after "Mark as unread" until the user presses Escape, even if the user scrolls', async () => {
    const { page } = alice
    const { room } = await givenHistory(20)
    await page.getByRole('link', { name: room }).click()
    await message(page, 'number 20.').waitFor()
    await scrollTo(page, 'end')
    await expect.poll(() => readUnread(room)).toBe(0)

    await runAction(page, 'number 18.', 'Mark as unread')
    await page.getByText('New messages', { exact: true }).waitFor()
    await expect.poll(() => readUnread(room)).toBe(3)
    await bob.send(room, 'number 21.')
    await message(page, 'number 21.').waitFor()
    await scrollTo(page, 'start')
    await scrollTo(page, 'end')
    await page.setViewportSize({ width: 1280, height: 700 })
    await setFocused(page, true)
    await page.waitForTimeout(readUpdateMs)
    expect(await readUnread(room)).toBe(4)

    await page.locator('#composer').press('Escape')
    await expect.poll(() => readUnread(room)).toBe(0)
    await page.setViewportSize({ width: 1280, height: 800 })
  })

  it('appear below the unread line while the window is unfocused; on focus, those in view become read', async () => {
    const { page } = alice
    const { room } = await givenHistory(30)
    await page.getByRole('link', { name: room }).click()
    await page.getByRole('button', { name: /latest|new message/ }).click()
    await expect.poll(() => isOnScreen(page, 'number 30.')).toBe(true)
    await expect.poll(() => readUnread(room)).toBe(0)

    await setFocused(page, false)
    for (let number = 31; number <= 80; number++) await bob.send(room, `number ${number}.`)
    await expect.poll(() => readUnread(room)).toBe(50)
    const line = page.getByText('New messages', { exact: true })
    await line.waitFor()
    await expect.poll(() => isOnScreen(page, 'number 31.')).toBe(true)
    expect(await isOnScreen(page, 'number 80.')).toBe(false)
    await page.waitForTimeout(readUpdateMs)
    expect(await readUnread(room)).toBe(50)

    await setFocused(page, true)
    await expect.poll(() => readUnread(room)).toBeLessThan(50)
    expect(await readUnread(room)).toBeGreaterThan(0)
    expect(await isOnScreen(page, 'number 31.')).toBe(true)
    await page.getByRole('button', { name: /new message/ }).click()
    await expect.poll(() => readUnread(room)).toBe(0)
  })
})

describe('a thread', { timeout: 60_000 }, () => {
  it('shows an edit and the deletion of its root message even if the room’s list has not loaded that message', async () => {
    const { page } = alice
    const { room, sent } = await givenHistory(90)
    const { id = '', seq = 0 } = sent[2] ?? {}
    const notifyId = `${seq.toString(36)}-${id}`
    await bob.reply(room, id, 'an answer')
    await page.goto(`${fixture.urls.web}/r/${room}/t/${id}`)
    const thread = page.getByRole('region', { name: 'Thread' })
    await thread.getByText('number 3.').waitFor()

    await page.getByRole('button', { name: /latest|new message/ }).click()
    await expect.poll(() => isOnScreen(page, 'number 90.')).toBe(true)
    await thread.getByText('number 3.').waitFor()
    await bob.client.call('msg.edit', { notifyId, text: 'number three.' })
    await thread.getByText('number three.').waitFor()
    await bob.client.call('msg.delete', { notifyId })
    await thread.getByText('This message was deleted.').waitFor()

    await page.goto(`${fixture.urls.web}/r/${room}/m/${id}`)
    await marked(page).getByRole('button', { name: '1 reply' }).click()
    await thread.getByText('an answer').waitFor()
  })
})

describe('a room', { timeout: 60_000 }, () => {
  it('keeps its scroll position when a newer history page loads below', async () => {
    const { page } = alice
    const { room, sent } = await givenHistory(150, aliceUser)
    await page.goto(fixture.urls.web + pathTo(room, sent[2]?.id))
    await marked(page).getByText('number 3.').waitFor()
    await scrollTo(page, 'end')
    // If the client wrongly loaded all history pages one after another, the list would reach the
    // end of the room within this second.
    await page.waitForTimeout(1_000)

    await page.getByRole('button', { name: 'Jump to latest' }).waitFor()
    expect(await isOnScreen(page, 'number 150.')).toBe(false)
  })

  it('fills a view that is taller than one history page, and shows the room’s start', async () => {
    const { room } = await givenHistory(70)
    const page = await alice.page.context().newPage()
    await page.setViewportSize({ width: 1280, height: 4_000 })

    await page.goto(`${fixture.urls.web}/r/${room}`)

    await message(page, 'number 70.').waitFor()
    await page.getByText(`This is the start of ${room}.`).waitFor()
    await message(page, 'number 1.').waitFor()
    await page.close()
  })

  it('requests only the history pages that the view needs, and more on scrolling up', async () => {
    const { room } = await givenHistory(150, aliceUser)
    const page = await alice.page.context().newPage()
    // One history page fills this viewport and the margin in which messages are preloaded.
    await page.setViewportSize({ width: 1280, height: 500 })
    let requests = 0
    page.on('websocket', (socket) =>
      socket.on('framesent', ({ payload }) => {
        requests += payload.toString().split(`chat.history.${room} `).length - 1
      }),
    )
    await page.goto(`${fixture.urls.web}/r/${room}`)
    await expect.poll(() => isOnScreen(page, 'number 150.')).toBe(true)
    // Once the page shows this message, it has also processed everything that arrived before it.
    await bob.send(room, 'number 151.')
    await expect.poll(() => isOnScreen(page, 'number 151.')).toBe(true)

    const before = requests
    await expect
      .poll(async () => {
        await scrollTo(page, 'start')
        return isOnScreen(page, 'number 1.')
      })
      .toBe(true)

    expect(before).toBe(1)
    expect(requests).toBe(3)
    await page.close()
  })

  it('renames the day divider from Today to Yesterday after midnight', async () => {
    const { room } = await givenHistory(1)
    const page = await alice.page.context().newPage()
    await page.goto(`${fixture.urls.web}/r/${room}`)
    await page.getByText('Today', { exact: true }).waitFor()

    await page.clock.setFixedTime(Date.now() + 24 * 3_600_000)
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))

    await page.getByText('Yesterday', { exact: true }).waitFor()
    await page.close()
  })
})
