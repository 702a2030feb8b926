import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type ClientFixture,
  createClientFixture,
  goTo,
  message,
  runAction,
  type Visitor,
} from '../support/client-fixture.ts'
import { createTestUser, type TestUser } from '../support/test-user.ts'

let ground: ClientFixture
let alice: Visitor
let aliceSpeaks: TestUser
let bobSpeaks: TestUser

beforeAll(async () => {
  ground = await createClientFixture({ RATE_LIMIT_FACTOR: '100' })
  aliceSpeaks = await createTestUser(ground.urls, 'alice')
  bobSpeaks = await createTestUser(ground.urls, 'bob')
  alice = await ground.open('alice', { permissions: ['clipboard-read', 'clipboard-write'] })
}, 120_000)
afterAll(async () => {
  await aliceSpeaks?.[Symbol.asyncDispose]()
  await bobSpeaks?.[Symbol.asyncDispose]()
  await ground?.[Symbol.asyncDispose]()
})

interface Talk {
  room: string
  /** What was said, in its order. */
  said: { id: string; seq: number }[]
}

/** A room of bob's and alice's in which one has said "number 1" and so on; alice has read nothing. */
async function givenTalk(count: number, speaker: TestUser = bobSpeaks): Promise<Talk> {
  const room = `room-${crypto.randomUUID().slice(0, 8)}`
  await bobSpeaks.client.call('room.create', { room, name: room, kind: 'private' })
  await bobSpeaks.client.call('room.invite', { room, userId: 'alice' })
  await alice.page.getByRole('link', { name: room }).waitFor()
  const said: Talk['said'] = []
  for (let number = 1; number <= count; number++)
    said.push(await speaker.send(room, `number ${number}.`))
  // A link finds what the database has.
  const isKept = async () => {
    const { messages } = await aliceSpeaks.client.call('chat.history', { room })
    return messages.at(-1)?.id
  }
  await expect.poll(isKept).toBe(said.at(-1)?.id)
  return { room, said }
}

const pathTo = (room: string, id = '') => `/r/${room}/m/${id}`

/** What is marked because a link leads there. */
const marked = (page: Page) => page.locator('article[aria-current="location"]')

async function scrollTo(page: Page, side: 'start' | 'end') {
  await page.getByRole('log').hover()
  await page.mouse.wheel(0, side === 'start' ? -4_000 : 4_000)
}

async function isOnScreen(page: Page, text: string): Promise<boolean> {
  const found = message(page, text)
  if ((await found.count()) === 0) return false
  return found.first().evaluate((element) => {
    const { top, bottom } = element.getBoundingClientRect()
    return top >= 0 && bottom <= window.innerHeight
  })
}

describe('places in the chat', { timeout: 60_000 }, () => {
  it('shows the message that a link leads to, marked, with what surrounds it on either side', async () => {
    const { room, said } = await givenTalk(150)

    await alice.page.goto(ground.urls.web + pathTo(room, said[59]?.id))

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

  it('opens the thread of what was said in one, and marks it there', async () => {
    const { room, said } = await givenTalk(80)
    const first = said[2]?.id ?? ''
    await bobSpeaks.reply(room, first, 'an answer')
    const { id } = await bobSpeaks.reply(room, first, 'the answer')
    // A link finds what the database has.
    await expect
      .poll(async () => (await aliceSpeaks.client.try('msg.find', { room, id })).ok)
      .toBe(true)

    await goTo(alice.page, ground.urls.web, `${room}/m/${id}`)

    const thread = alice.page.getByRole('region', { name: 'Thread' })
    await thread.locator('article[aria-current="location"]').getByText('the answer').waitFor()
    await thread.getByText('number 3.').waitFor()
    expect(new URL(alice.page.url()).pathname).toBe(`/r/${room}/t/${first}/m/${id}`)
  })

  it('shows where something was said that is deleted', async () => {
    const { room, said } = await givenTalk(80)
    const { id = '', seq = 0 } = said[4] ?? {}
    const notifyId = `${seq.toString(36)}-${id}`
    await bobSpeaks.client.call('msg.delete', { notifyId })

    await goTo(alice.page, ground.urls.web, `${room}/m/${id}`)

    await marked(alice.page).getByText('This message was deleted.').waitFor()
    await expect.poll(() => isOnScreen(alice.page, 'number 6.')).toBe(true)
  })

  it('says so where there is no such message, and shows the newest', async () => {
    const { room } = await givenTalk(3)
    const nowhere = crypto.randomUUID().replaceAll('-', '')

    await goTo(alice.page, ground.urls.web, `${room}/m/${nowhere}`)

    await alice.page.getByText('Couldn’t find the linked message.').waitFor()
    await message(alice.page, 'number 3.').waitFor()
    await alice.page.getByRole('button', { name: 'Dismiss' }).click()
    await expect
      .poll(() => alice.page.getByText('Couldn’t find the linked message').count())
      .toBe(0)
  })

  it('shows the same of a room one is not in as of none', async () => {
    const room = `room-${crypto.randomUUID().slice(0, 8)}`
    await bobSpeaks.client.call('room.create', { room, name: room, kind: 'private' })
    const { id } = await bobSpeaks.send(room, 'between us')
    const show = async (path: string) => {
      await goTo(alice.page, ground.urls.web, path)
      await alice.page.getByRole('heading', { name: 'Not found' }).waitFor()
      return alice.page.getByRole('main').innerHTML()
    }

    const there = await show(`${room}/m/${id}`)
    const notThere = await show(`room-nowhere/m/${id}`)

    expect(there).toBe(notThere)
    expect(alice.frames.join('\n')).not.toContain('between us')
  })

  it('copies a link that leads here, and goes back and forth between places', async () => {
    const { room } = await givenTalk(2)
    await goTo(alice.page, ground.urls.web, room)
    await message(alice.page, 'number 1.').hover()
    await message(alice.page, 'number 1.').getByRole('button', { name: 'More' }).click()
    await alice.page.getByRole('menuitem', { name: 'Copy link' }).click()
    await alice.page.getByText('Copied', { exact: true }).waitFor()
    const link = await alice.page.evaluate(() => navigator.clipboard.readText())

    await alice.page.goto(link)
    await marked(alice.page).getByText('number 1.').waitFor()
    const other = await givenTalk(1)
    await alice.page.getByRole('link', { name: other.room }).click()
    await alice.page.getByRole('heading', { level: 1, name: other.room }).waitFor()

    await alice.page.goBack()
    await marked(alice.page).getByText('number 1.').waitFor()
    expect(alice.page.url()).toBe(link)
    await alice.page.goForward()
    await alice.page.getByRole('heading', { level: 1, name: other.room }).waitFor()
  })

  it('gives the link to be copied by hand where the browser lets no page copy', async () => {
    const { room, said } = await givenTalk(1)
    const { page } = await ground.open('alice')
    await page.evaluate(() => {
      const refuse = () => Promise.reject(new DOMException('Write permission denied.'))
      Object.defineProperty(navigator.clipboard, 'writeText', { value: refuse })
    })
    await page.getByRole('link', { name: room }).click()
    await message(page, 'number 1.').hover()
    await message(page, 'number 1.').getByRole('button', { name: 'More' }).click()
    await page.getByRole('menuitem', { name: 'Copy link' }).click()

    const dialog = page.getByRole('dialog', { name: 'Copy manually' })
    const link = ground.urls.web + pathTo(room, said[0]?.id)
    expect(await dialog.getByRole('textbox').inputValue()).toBe(link)
    await expect.poll(() => page.evaluate(() => getSelection()?.toString())).toBe(link)
    await page.context().close()
  })

  it('opens where somebody left off, and says how many are further down', async () => {
    const { room } = await givenTalk(100)

    await alice.page.getByRole('link', { name: room }).click()

    await expect.poll(() => isOnScreen(alice.page, 'number 1.')).toBe(true)
    await alice.page.getByText('New messages', { exact: true }).waitFor()
    await alice.page.getByRole('button', { name: /^\d+ new messages$/ }).click()
    await expect.poll(() => isOnScreen(alice.page, 'number 100.')).toBe(true)
    await expect.poll(() => alice.page.getByRole('button', { name: /new message/ }).count()).toBe(0)
  })

  it('leads from a link to the first that is unread', async () => {
    const { room, said } = await givenTalk(100)

    await goTo(alice.page, ground.urls.web, `${room}/m/${said[97]?.id}`)
    await marked(alice.page).getByText('number 98.').waitFor()
    await alice.page.getByRole('button', { name: 'Jump to first unread' }).click()

    await expect.poll(() => isOnScreen(alice.page, 'number 1.')).toBe(true)
    await alice.page.getByText('New messages', { exact: true }).waitFor()
  })
})

/** As when another window has the focus, or this one again. */
async function look(page: Page, is: boolean) {
  await page.evaluate((has) => {
    document.hasFocus = () => has
    window.dispatchEvent(new Event(has ? 'focus' : 'blur'))
  }, is)
}

async function readUnread(room: string): Promise<number | undefined> {
  const { rooms } = await aliceSpeaks.client.call('room.list', {})
  return rooms.find(({ id }) => id === room)?.unread
}

/** So long it takes a page to tell what it has read, and longer. */
const toldMs = 1_200

describe('what is unread', { timeout: 60_000 }, () => {
  it('stays so once it is marked, whatever moves, until it is let go', async () => {
    const { page } = alice
    const { room } = await givenTalk(20)
    await page.getByRole('link', { name: room }).click()
    await message(page, 'number 20.').waitFor()
    await scrollTo(page, 'end')
    await expect.poll(() => readUnread(room)).toBe(0)

    await runAction(page, 'number 18.', 'Mark as unread')
    await page.getByText('New messages', { exact: true }).waitFor()
    await expect.poll(() => readUnread(room)).toBe(3)
    await bobSpeaks.send(room, 'number 21.')
    await message(page, 'number 21.').waitFor()
    await scrollTo(page, 'start')
    await scrollTo(page, 'end')
    await page.setViewportSize({ width: 1280, height: 700 })
    await look(page, true)
    await page.waitForTimeout(toldMs)
    expect(await readUnread(room)).toBe(4)

    await page.locator('#composer').press('Escape')
    await expect.poll(() => readUnread(room)).toBe(0)
    await page.setViewportSize({ width: 1280, height: 800 })
  })

  it('has a line for who did not look, and stays below it until they do', async () => {
    const { page } = alice
    const { room } = await givenTalk(30)
    await page.getByRole('link', { name: room }).click()
    await page.getByRole('button', { name: /latest|new message/ }).click()
    await expect.poll(() => isOnScreen(page, 'number 30.')).toBe(true)
    await expect.poll(() => readUnread(room)).toBe(0)

    await look(page, false)
    for (let number = 31; number <= 80; number++) await bobSpeaks.send(room, `number ${number}.`)
    await expect.poll(() => readUnread(room)).toBe(50)
    const line = page.getByText('New messages', { exact: true })
    await line.waitFor()
    await expect.poll(() => isOnScreen(page, 'number 31.')).toBe(true)
    expect(await isOnScreen(page, 'number 80.')).toBe(false)
    await page.waitForTimeout(toldMs)
    expect(await readUnread(room)).toBe(50)

    await look(page, true)
    await expect.poll(() => readUnread(room)).toBeLessThan(50)
    expect(await readUnread(room)).toBeGreaterThan(0)
    expect(await isOnScreen(page, 'number 31.')).toBe(true)
    await page.getByRole('button', { name: /new message/ }).click()
    await expect.poll(() => readUnread(room)).toBe(0)
  })
})

describe('a thread', { timeout: 60_000 }, () => {
  it('keeps what it is about, as that stands, wherever the room goes; and is there without it', async () => {
    const { page } = alice
    const { room, said } = await givenTalk(90)
    const { id = '', seq = 0 } = said[2] ?? {}
    const notifyId = `${seq.toString(36)}-${id}`
    await bobSpeaks.reply(room, id, 'an answer')
    await page.goto(`${ground.urls.web}/r/${room}/t/${id}`)
    const thread = page.getByRole('region', { name: 'Thread' })
    await thread.getByText('number 3.').waitFor()

    await page.getByRole('button', { name: /latest|new message/ }).click()
    await expect.poll(() => isOnScreen(page, 'number 90.')).toBe(true)
    await thread.getByText('number 3.').waitFor()
    await bobSpeaks.client.call('msg.edit', { notifyId, text: 'number three.' })
    await thread.getByText('number three.').waitFor()
    await bobSpeaks.client.call('msg.delete', { notifyId })
    await thread.getByText('This message was deleted.').waitFor()

    await page.goto(`${ground.urls.web}/r/${room}/m/${id}`)
    await marked(page).getByRole('button', { name: '1 reply' }).click()
    await thread.getByText('an answer').waitFor()
  })
})

describe('a room', { timeout: 60_000 }, () => {
  it('stays where one reads when a page more is there, whoever wrote it', async () => {
    const { page } = alice
    const { room, said } = await givenTalk(150, aliceSpeaks)
    await page.goto(ground.urls.web + pathTo(room, said[2]?.id))
    await marked(page).getByText('number 3.').waitFor()
    await scrollTo(page, 'end')
    // So long it would take to run through all of it.
    await page.waitForTimeout(1_000)

    await page.getByRole('button', { name: 'Jump to latest' }).waitFor()
    expect(await isOnScreen(page, 'number 150.')).toBe(false)
  })

  it('fills a view that is taller than a page of it, and says where it begins', async () => {
    const { room } = await givenTalk(70)
    const page = await alice.page.context().newPage()
    await page.setViewportSize({ width: 1280, height: 4_000 })

    await page.goto(`${ground.urls.web}/r/${room}`)

    await message(page, 'number 70.').waitFor()
    await page.getByText(`This is the start of ${room}.`).waitFor()
    await message(page, 'number 1.').waitFor()
    await page.close()
  })

  it('asks for no more than a view takes, until somebody goes up', async () => {
    const { room } = await givenTalk(150, aliceSpeaks)
    const page = await alice.page.context().newPage()
    // A page of these lines is taller than what is seen and loaded ahead.
    await page.setViewportSize({ width: 1280, height: 500 })
    let asked = 0
    page.on('websocket', (socket) =>
      socket.on('framesent', ({ payload }) => {
        asked += payload.toString().split(`chat.history.${room} `).length - 1
      }),
    )
    await page.goto(`${ground.urls.web}/r/${room}`)
    await expect.poll(() => isOnScreen(page, 'number 150.')).toBe(true)
    // The page is at rest once it has read what it is told now.
    await bobSpeaks.send(room, 'number 151.')
    await expect.poll(() => isOnScreen(page, 'number 151.')).toBe(true)

    const before = asked
    await expect
      .poll(async () => {
        await scrollTo(page, 'start')
        return isOnScreen(page, 'number 1.')
      })
      .toBe(true)

    expect(before).toBe(1)
    expect(asked).toBe(3)
    await page.close()
  })

  it('calls no day today that is not today any more', async () => {
    const { room } = await givenTalk(1)
    const page = await alice.page.context().newPage()
    await page.goto(`${ground.urls.web}/r/${room}`)
    await page.getByText('Today', { exact: true }).waitFor()

    await page.clock.setFixedTime(Date.now() + 24 * 3_600_000)
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))

    await page.getByText('Yesterday', { exact: true }).waitFor()
    await page.close()
  })
})
