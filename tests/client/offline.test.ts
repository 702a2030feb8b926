import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { topics } from '#schema/contracts'
import { toNotifyId } from '#schema/ids'
import {
  goTo,
  message,
  readLocalStore,
  typeMessage,
  type Visitor,
} from '../support/client-fixture.ts'
import { createOfflineFixture, type OfflineFixture } from '../support/offline-fixture.ts'
import { createTestUser, type TestUser } from '../support/test-user.ts'

let ground: OfflineFixture
let alice: Visitor
let bob: TestUser

beforeAll(async () => {
  ground = await createOfflineFixture()
  bob = await createTestUser(ground.urls, 'bob')
  alice = await ground.open('alice')
}, 180_000)
afterEach(() => ground.wire.mend())
afterAll(async () => {
  await bob?.[Symbol.asyncDispose]()
  await ground?.[Symbol.asyncDispose]()
})

const lost = 'Connection lost. Messages will be sent when you reconnect.'
const soon = { timeout: 20_000 }

/** A private room of bob's with alice in it. */
async function givenClosedRoom(): Promise<string> {
  const room = `room-${crypto.randomUUID().slice(0, 8)}`
  await bob.client.call('room.create', { room, name: room, kind: 'private' })
  await bob.client.call('room.invite', { room, userId: 'alice' })
  return room
}

/** The same, open before alice. */
async function givenRoom(said = 'before'): Promise<string> {
  const room = await givenClosedRoom()
  await alice.page.getByRole('link', { name: room }).click()
  await alice.page.getByRole('heading', { level: 1, name: room }).waitFor()
  await bob.send(room, said)
  await message(alice.page, said).waitFor()
  return room
}

/** Two ways to be away: the connection ends, or nothing comes any more over one that is still there. */
const ways = {
  'whose connection ended': () => {
    const since = ground.wire.cut()
    return { since, comeBack: async () => ground.wire.mend() }
  },
  'who has no network': async () => {
    await alice.page.context().setOffline(true)
    return { since: Date.now(), comeBack: () => alice.page.context().setOffline(false) }
  },
}
const bothWays = Object.entries(ways)

/** All that is said in the room, from the first to the last, as one reads it. */
async function readAll(page: Page): Promise<string[]> {
  const list = page.getByRole('log')
  let all: string[] = []
  for (let isTop = false; !isTop; ) {
    const seen = await page.getByRole('log').locator('.message-text').allTextContents()
    expect(seen).toEqual([...new Set(seen)])
    all = [...seen.filter((text) => !all.includes(text)), ...all]
    isTop = await list.evaluate(async (element) => {
      if (element.scrollTop <= 0) return true
      element.scrollBy(0, -300)
      for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame)
      return false
    })
  }
  return all
}

/** When the page has begun to say that the connection is lost, each time, by its own clock. */
async function watchBanner(page: Page): Promise<() => Promise<number[]>> {
  const shown = await page.evaluateHandle((text) => {
    const times: number[] = []
    let was = false
    new MutationObserver(() => {
      const is = document.querySelector('.banner.is-warning')?.textContent === text
      if (is && !was) times.push(Date.now())
      was = is
    }).observe(document.body, { childList: true, subtree: true, characterData: true })
    return times
  }, lost)
  return () => shown.jsonValue()
}

/** A page on whose wire notices with such a text get lost, and so do answers to what it asks then. */
async function loseNotices(page: Page, text: string) {
  let lost = 0
  const held: (() => void)[] = []
  const listening = Promise.withResolvers<void>()
  const asking = Promise.withResolvers<void>()
  let isHeld = true
  await page.routeWebSocket(/^ws:/, (near) => {
    const far = near.connectToServer()
    far.onMessage((frame) => {
      const isNotice = /notify[\s\S]*/.exec(frame.toString())?.[0].includes(text)
      if (frame.toString().includes('"recovered"')) listening.resolve()
      if (isNotice) lost++
      else near.send(frame)
    })
    near.onMessage((frame) => {
      if (!isHeld || lost === 0 || !frame.toString().includes('chat.sync')) return far.send(frame)
      held.push(() => far.send(frame))
      asking.resolve()
    })
  })
  return {
    /** The page has the room as it is: from now on it goes by what it is told. */
    listening: () => listening.promise,
    lost: () => lost,
    /** What is missing has been asked for. */
    asked: () => asking.promise,
    /** The question goes on to where it is answered. */
    answer() {
      isHeld = false
      for (const send of held) send()
    },
  }
}

describe('whoever was away', { timeout: 60_000 }, () => {
  it.each(bothWays)(
    'finds all that was said, in order and once, and how much: %s',
    async (_, leave) => {
      const room = await givenRoom()
      const { comeBack } = await leave()
      const said = Array.from({ length: 150 }, (_, index) => `word ${index}.`)
      for (const text of said) await bob.send(room, text)
      await alice.page.getByText(lost).waitFor()

      await comeBack()

      await alice.page.getByText('150 messages arrived while you were away.').waitFor(soon)
      await message(alice.page, 'word 149.').waitFor()
      expect(await readAll(alice.page)).toEqual(['before', ...said])
    },
  )

  it('finds everything as it stands: what was edited, deleted, reacted to and answered', async () => {
    const room = await givenRoom()
    const first = await bob.send(room, 'a frist draft')
    const gone = await bob.send(room, 'a secret')
    const liked = await bob.send(room, 'shall we?')
    await message(alice.page, 'shall we?').hover()
    await message(alice.page, 'shall we?').getByRole('button', { name: 'Reply in thread' }).click()
    await alice.page.locator('#thread-composer').waitFor()
    await expect.poll(() => readLocalStore(alice.page)).toContain('a secret')

    ground.wire.cut()
    await bob.client.call('msg.edit', { notifyId: toNotifyId(first), text: 'a first one' })
    await bob.client.call('msg.delete', { notifyId: toNotifyId(gone) })
    const reaction = { notifyId: toNotifyId(liked), emoji: '🎉', on: true }
    await bob.client.call('msg.react', reaction)
    for (const text of ['we shall', 'or not']) await bob.reply(room, liked.id, text)
    await typeMessage(alice.page, 'written meanwhile')
    await alice.page.getByText(lost).waitFor()
    ground.wire.mend()

    // Neither twice, since two look at the room, nor what she has said herself.
    await alice.page.getByText('2 messages arrived while you were away.').waitFor(soon)
    await message(alice.page, 'a first one').getByText('edited').waitFor()
    await alice.page.getByText('This message was deleted.').waitFor()
    expect(await alice.page.content()).not.toMatch(/a secret|a frist draft/)
    const asked = message(alice.page, 'shall we?').first()
    await asked.getByRole('button', { name: /🎉 1 by Bob Brown/ }).waitFor()
    await asked.getByRole('button', { name: '2 replies' }).waitFor()
    const thread = alice.page.getByRole('region', { name: 'Thread' })
    const replies = thread.getByRole('log').locator('.message-text')
    expect(await replies.allTextContents()).toEqual(['we shall', 'or not'])
    await expect.poll(() => readLocalStore(alice.page)).not.toMatch(/a secret|a frist draft/)
  })

  it('sees no more of a room that they were removed from, hears nothing of it and keeps nothing', async () => {
    const room = await givenRoom('between us')
    await expect.poll(() => readLocalStore(alice.page)).toContain('between us')
    ground.wire.cut()
    await typeMessage(alice.page, 'am I still in?')
    await bob.client.call('room.kick', { room, userId: 'alice' })
    await bob.send(room, 'among ourselves')
    // Whoever is removed may read for a second.
    await alice.page.getByText(lost).waitFor()
    const heardBefore = alice.frames.length
    ground.wire.mend()

    await alice.page.getByText(`You’re no longer in ${room}.`).waitFor(soon)

    expect(await alice.page.getByRole('link', { name: room }).count()).toBe(0)
    expect(await alice.page.getByRole('log').count()).toBe(0)
    expect(new URL(alice.page.url()).pathname).toBe('/')
    await expect.poll(() => readLocalStore(alice.page)).not.toMatch(/between us|among ourselves/)
    await bob.send(room, 'among ourselves, too')
    await givenRoom()
    expect(alice.frames.length).toBeGreaterThan(heardBefore)
    expect(alice.frames.join('\n')).not.toContain('among ourselves')
    await alice.page.goto(ground.urls.web)
    await alice.page.getByRole('heading', { name: 'Rooms', exact: true }).waitFor()
    expect(await readLocalStore(alice.page)).not.toMatch(/between us|among ourselves/)
  })

  it('is told where more came than can be counted, and goes on where they left off', async () => {
    const room = await givenRoom()
    await alice.page.context().setOffline(true)
    for (let from = 0; from < 520; from += 40)
      await Promise.all(Array.from({ length: 40 }, (_, at) => bob.send(room, `word ${from + at}.`)))
    await alice.page.getByText(lost).waitFor()

    await alice.page.context().setOffline(false)

    await alice.page.getByText('Many messages arrived while you were away.').waitFor(soon)
    await alice.page.getByText('New messages', { exact: true }).waitFor()
    await message(alice.page, 'before').waitFor()
    await alice.page.getByRole('button', { name: /new messages|latest/ }).click()
    await message(alice.page, /word 5[12]\d\./)
      .last()
      .waitFor()
  })

  it('finds what was not told of, and has not read it before', async () => {
    const room = await givenRoom()
    // Her other page looks elsewhere.
    await givenRoom()
    const page = await alice.page.context().newPage()
    const lose = await loseNotices(page, 'unheard of')
    await page.goto(`${ground.urls.web}/r/${room}`)
    await lose.listening()
    await using reader = await createTestUser(ground.urls, 'alice')
    const unread = async () => {
      const { rooms } = await reader.client.call('room.list', {})
      return rooms.find(({ id }) => id === room)?.unread
    }

    await bob.send(room, 'unheard of')
    await expect.poll(lose.lost).toBeGreaterThan(0)
    await expect.poll(unread).toBe(1)
    // What makes the page ask which rooms it has, and think of what is read.
    const look = () =>
      page.evaluate(() => {
        document.dispatchEvent(new Event('visibilitychange'))
        window.dispatchEvent(new Event('focus'))
      })
    await look()
    await lose.asked()
    await look()
    // So long it takes the page to tell what it has read.
    await page.waitForTimeout(1_000)
    expect(await unread()).toBe(1)
    lose.answer()

    await message(page, 'unheard of').waitFor(soon)
    await expect.poll(unread).toBe(0)
    await page.close()
  })

  it('sends at once what was written among old messages, also when the page goes', async () => {
    const room = await givenRoom()
    const { page } = alice
    const first = await bob.send(room, 'long ago')
    for (let at = 0; at < 120; at++) await bob.send(room, `word ${at}.`)
    await message(page, 'word 119.').waitFor()
    await expect.poll(() => readLocalStore(page)).toContain('word 119.')
    await page.goto(`${ground.urls.web}/r/${room}/m/${first.id}`)
    await page.locator('article[aria-current="location"]').getByText('long ago').waitFor()

    ground.wire.cut()
    await typeMessage(page, 'written far up')
    await message(page, 'written far up').waitFor()
    await page.reload()
    await message(page, 'written far up').waitFor()
    ground.wire.mend()

    const last = async () => {
      const { messages } = await bob.client.call('chat.history', { room })
      return messages.at(-1)?.text
    }
    await expect.poll(last, soon).toBe('written far up')
  })

  it('sees what they write in a room of which nothing has come yet', async () => {
    const { page } = alice
    await givenRoom()
    const room = await givenClosedRoom()
    await page.getByRole('link', { name: room }).waitFor()
    ground.wire.cut()
    await page.getByRole('link', { name: room }).click()

    await typeMessage(page, 'the first words')

    await message(page, 'the first words').waitFor()
    ground.wire.mend()
    const said = async () =>
      (await bob.client.call('chat.history', { room })).messages.map(({ text }) => text)
    await expect.poll(said, soon).toEqual(['the first words'])
    // Only what has answered is known to have a beginning.
    await page.locator('.list-start').waitFor(soon)
    expect(await page.getByRole('article').count()).toBe(1)
  })

  it('is told that older messages did not come, and gets them when they can', async () => {
    const room = await givenRoom('the first')
    const { page } = alice
    const link = page.getByRole('link', { name: room })
    // Nobody has what they said themselves to read: she comes back to the end, and to one page.
    await using herself = await createTestUser(ground.urls, 'alice')
    for (let at = 0; at < 140; at++) await herself.send(room, `word ${at}.`)
    await message(page, 'word 139.').waitFor()
    await expect
      .poll(async () => {
        const { rooms } = await herself.client.call('room.list', {})
        return rooms.find(({ id }) => id === room)?.unread
      })
      .toBe(0)
    await givenRoom()
    await link.click()
    await message(page, 'word 139.').waitFor()
    await page.locator('#composer').waitFor()

    ground.wire.cut()
    const failed = page.getByText('Couldn’t load older messages.')
    const goUp = async () => {
      await page.getByRole('log').press('Home')
      return failed.count()
    }
    // It is asked for four times before.
    await expect.poll(goUp, { timeout: 40_000 }).toBe(1)
    await page.getByRole('button', { name: 'Try again' }).waitFor()
    ground.wire.mend()

    await page.getByText('Couldn’t load older messages.').waitFor({ state: 'detached', ...soon })
    const begin = page.getByText(`This is the start of ${room}.`)
    await expect.poll(() => goUp().then(() => begin.count()), soon).toBe(1)
    await message(page, 'the first').waitFor()
  })

  it('is told that a room cannot be reached, and not that there is none', async () => {
    await givenRoom()
    const other = `room-${crypto.randomUUID().slice(0, 8)}`
    await bob.client.call('room.create', { room: other, name: other, kind: 'public' })
    ground.wire.cut()
    await goTo(alice.page, ground.urls.web, other)

    await alice.page.getByText('Couldn’t load this room.').waitFor(soon)
    ground.wire.mend()

    await alice.page.getByRole('button', { name: 'Join room' }).waitFor(soon)
  })

  it('is not troubled with a word about what was away for a moment', async () => {
    const room = await givenRoom()
    const shown = await watchBanner(alice.page)

    ground.wire.cut()
    // So long is a moment.
    await alice.page.waitForTimeout(600)
    ground.wire.mend()
    await bob.send(room, 'back again')
    await message(alice.page, 'back again').waitFor()

    expect(await shown()).toEqual([])
    expect(await alice.page.locator('.banner').count()).toBe(0)
  })

  it.each(bothWays)('is told so after two seconds, and not before: %s', async (_, leave) => {
    await givenRoom()
    const shown = await watchBanner(alice.page)

    const { since, comeBack } = await leave()
    await alice.page.getByText(lost).waitFor()

    const [at = 0, ...more] = await shown()
    expect(at - since).toBeGreaterThanOrEqual(1_800)
    expect(at - since).toBeLessThanOrEqual(4_000)
    await comeBack()
    await alice.page.getByText(lost).waitFor({ state: 'detached', ...soon })
    expect(more).toEqual([])
  })

  it('has done what they press while it is away for a moment', async () => {
    const { page } = alice
    await givenRoom()
    const me = page.getByRole('button', { name: /^Alice Adams/ })
    const choice = (status: string) => page.getByRole('menuitemradio', { name: status })
    await me.click()
    const away = choice('Away')
    await away.waitFor()
    const lookedFor = page.waitForEvent('websocket')
    ground.wire.cut()
    await lookedFor
    await away.click()

    ground.wire.mend()

    await me.filter({ hasText: 'Away' }).waitFor()
    expect(await page.getByText('Can’t reach the server.').count()).toBe(0)
    await me.click()
    await choice('Online').click()
    await me.filter({ hasText: 'Online' }).waitFor()
  })

  it('connects anew when nothing comes any more over a connection that seems to be there', async () => {
    const room = await givenRoom()
    const page = await alice.page.context().newPage()
    await page.clock.install()
    await page.goto(`${ground.urls.web}/r/${room}`)
    await message(page, 'before').waitFor()
    await bob.send(room, 'one')
    await message(page, 'one').waitFor()

    const goOn = ground.wire.hold()
    await bob.send(room, 'two')
    // Twice the time between two pings.
    await page.clock.runFor(20_000)

    await message(page, 'two').waitFor(soon)
    goOn()
    await page.close()
  })

  it('sees it on all tabs when the connection of all is back, and was online for others all the time', async () => {
    const room = await givenRoom()
    const seen: string[] = []
    const stop = bob.client.listen(topics.deliverPresence, { user: 'bob', room }, ({ changes }) => {
      for (const { userId, status } of changes) if (userId === 'alice') seen.push(status)
    })
    const tabs = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const page = await alice.page.context().newPage()
        page.setDefaultTimeout(20_000)
        await page.goto(`${ground.urls.web}/r/${room}`)
        await message(page, 'before').waitFor()
        await page.locator('#composer').waitFor()
        return page
      }),
    )

    ground.wire.cut()
    await Promise.all(tabs.map((page) => page.getByText(lost).waitFor()))
    for (const text of ['one', 'two', 'three']) await bob.send(room, text)
    await typeMessage(tabs[2] ?? alice.page, 'and four')
    ground.wire.mend()

    // It is said for some seconds, and each of them is back in its own time.
    const counted = '3 messages arrived while you were away.'
    await Promise.all(tabs.map((page) => page.getByText(counted).waitFor(soon)))
    for (const page of tabs) {
      const texts = () => page.getByRole('log').locator('.message-text').allTextContents()
      await expect.poll(texts).toEqual(['before', 'one', 'two', 'three', 'and four'])
    }
    const { present } = await bob.client.call('presence.room', { room })
    expect(present).toMatchObject({ alice: 'online' })
    expect(seen).toEqual([])
    stop()
    await Promise.all(tabs.map((page) => page.close()))
  })
})

describe('a message that the server refuses', { timeout: 60_000 }, () => {
  it('says why, also after a reload, and is sent again or discarded as its writer likes', async () => {
    const room = await givenRoom()
    const { page } = alice
    const outgoing = page.locator('article.is-outgoing')
    ground.wire.cut()
    for (const text of ['may I?', 'or not?']) await typeMessage(page, text)
    await bob.client.call('room.role', { room, userId: 'alice', role: 'guest' })
    await page.getByText(lost).waitFor()
    ground.wire.mend()

    await page
      .locator('.announcer')
      .getByText('Not sent. You don’t have permission')
      .first()
      .waitFor(soon)
    for (const text of ['may I?', 'or not?'])
      await outgoing
        .filter({ hasText: text })
        .getByText('Not sent. You don’t have permission to do this, or it no longer exists.')
        .waitFor(soon)
    await page.reload()
    await outgoing.last().waitFor()
    const focused = () => page.evaluate(() => document.activeElement?.textContent)
    await page.getByRole('log').focus()
    await page.keyboard.press('ArrowUp')
    await expect.poll(focused).toContain('or not?')
    await outgoing
      .filter({ hasText: 'or not?' })
      .getByText('Not sent. You don’t have permission to do this, or it no longer exists.')
      .waitFor()
    await bob.client.call('room.role', { room, userId: 'alice', role: 'member' })
    await outgoing.filter({ hasText: 'or not?' }).getByRole('button', { name: 'Discard' }).click()
    // Roles are looked up anew twice a second.
    const again = outgoing.getByRole('button', { name: 'Try again' })
    const tryAgain = async () => {
      if ((await again.count()) > 0) await again.click()
      return page.locator('article:not(.is-outgoing)').filter({ hasText: 'may I?' }).count()
    }
    await expect.poll(tryAgain, soon).toBe(1)

    await page.reload()
    await message(page, 'may I?').waitFor()
    expect(await outgoing.count()).toBe(0)
    const { messages } = await bob.client.call('chat.history', { room })
    expect(messages.map(({ text }) => text)).toEqual(['before', 'may I?'])
    expect(await readLocalStore(page)).not.toContain('or not?')
  })
})

describe('whoever comes while something is away', { timeout: 60_000 }, () => {
  it('finds what was kept by a link to a message and to a thread, and all of it later', async () => {
    const room = await givenRoom()
    const asked = await bob.send(room, 'shall we?')
    await bob.reply(room, asked.id, 'we shall')
    for (let at = 0; at < 15; at++) await bob.send(room, `word ${at}.`)
    const { page } = alice
    await message(page, 'word 14.').waitFor()
    await message(page, 'shall we?').getByRole('button', { name: '1 reply' }).waitFor()
    await expect.poll(() => readLocalStore(page)).toContain('word 14.')
    const marked = page.locator('article[aria-current="location"]')
    ground.wire.cut()

    await page.goto(`${ground.urls.web}/r/${room}/m/${asked.id}`)
    await marked.getByText('shall we?').waitFor()
    await page.goto(`${ground.urls.web}/r/${room}/t/${asked.id}`)
    await message(page, 'word 14.').waitFor()
    const thread = page.getByRole('region', { name: 'Thread' })
    await thread.getByText('shall we?').waitFor()
    await thread.getByText('Messages will appear here when you reconnect.').waitFor()
    await bob.send(room, 'said meanwhile')
    ground.wire.mend()

    await thread.getByText('we shall').waitFor(soon)
    await message(page, 'said meanwhile').waitFor(soon)
  })

  it('finds what was kept and a word about it while NATS is away, and everything when it is back', async () => {
    const room = await givenRoom('before NATS was away')
    await expect.poll(() => readLocalStore(alice.page)).toContain('before NATS was away')
    await ground.nats.stop()

    await alice.page.reload()
    const charlie = await ground.open('charlie')

    await message(alice.page, 'before NATS was away').waitFor()
    await alice.page.getByText(lost).waitFor()
    await charlie.page.getByText(lost).waitFor()
    await ground.nats.restart()
    const say = () => bob.send(room, 'and after').catch(({ code }) => ({ id: code }))
    await expect.poll(say, soon).toMatchObject({ seq: expect.any(Number) })
    await message(alice.page, 'and after').first().waitFor(soon)
    await alice.page.getByText(lost).waitFor({ state: 'detached', ...soon })
    await charlie.page.getByText('You haven’t joined any rooms yet.').waitFor(soon)
    await charlie.page.context().close()
  })

  it('finds what was kept while the identity provider is away, or a word, and is let in when it is back', async () => {
    const room = await givenRoom('before the provider was away')
    await expect.poll(() => readLocalStore(alice.page)).toContain('before the provider was away')
    const stranger = await (await ground.browser.newContext({ locale: 'en-US' })).newPage()
    await ground.issuer.stop()

    await alice.page.reload()
    await stranger.goto(ground.urls.web)

    await message(alice.page, 'before the provider was away').waitFor()
    await alice.page.getByText('You’re offline.').waitFor()
    await stranger.getByText('Can’t reach the login server.').waitFor()
    await ground.issuer.restart()
    await alice.page.getByText('You’re offline.').waitFor({ state: 'detached', ...soon })
    await stranger.getByRole('button', { name: 'Log in' }).waitFor(soon)
    await bob.send(room, 'and after')
    await message(alice.page, 'and after').waitFor(soon)
    await stranger.context().close()
  })

  it('is told so when the identity provider takes the question and never answers', async () => {
    const stranger = await (await ground.browser.newContext({ locale: 'en-US' })).newPage()
    await stranger.clock.install()
    await ground.issuer.kill('SIGSTOP')
    const asked = stranger.waitForRequest(/openid-configuration/)

    await stranger.goto(ground.urls.web)
    await asked
    await stranger.clock.fastForward(10_000)

    await stranger.getByText('Can’t reach the login server.').waitFor()
    await ground.issuer.kill('SIGCONT')
    await stranger.clock.fastForward(10_000)
    await stranger.getByRole('button', { name: 'Log in' }).waitFor(soon)
    await stranger.context().close()
  })

  it('is let in after a while, without a click, when those who decide were away', async () => {
    const room = await givenRoom()
    const { page } = alice
    await page.context().clock.install()
    const goOn = await ground.holdRuntime()
    const other = await page.context().newPage()
    await other.goto(`${ground.urls.web}/r/${room}`)
    ground.wire.cut()
    ground.wire.mend()
    const refused = 'Couldn’t log you in.'
    for (const tab of [page, other]) await tab.getByText(refused).waitFor({ timeout: 30_000 })
    const tries: string[] = []
    for (const tab of [page, other]) tab.on('websocket', (socket) => tries.push(socket.url()))
    goOn()

    await page.context().clock.fastForward(8_000)
    expect(tries).toEqual([])
    await page.context().clock.fastForward(23_000)

    for (const tab of [page, other]) await message(tab, 'before').waitFor(soon)
    await bob.send(room, 'good to have you back')
    for (const tab of [page, other]) await message(tab, 'good to have you back').waitFor()
    // Each of them once; who finds the server busy asks again.
    expect(tries.length).toBeLessThanOrEqual(4)
    await other.close()
  })
})
