import type { Page } from 'playwright-core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { topics } from '#schema/contracts'
import { toNotifyId } from '#schema/ids'
import {
  goTo,
  logIn,
  message,
  readLocalStore,
  typeMessage,
  type Visitor,
} from '../support/client-fixture.ts'
import { useOfflineFixture } from '../support/offline-fixture.ts'
import { createTestUser, type TestUser } from '../support/test-user.ts'

let alice: Visitor
let bob: TestUser

const fixture = useOfflineFixture(async ({ open, connect }) => {
  bob = await connect('bob')
  alice = await open('alice')
})

const lost = 'Connection lost. Messages will be sent when you reconnect.'
const recovery = { timeout: 20_000 }

async function givenClosedRoom(): Promise<string> {
  const room = `room-${crypto.randomUUID().slice(0, 8)}`
  await bob.client.call('room.create', { room, name: room, kind: 'private' })
  await fixture.inviteAndJoin(room, 'alice', bob)
  return room
}

async function givenRoom(text = 'before'): Promise<string> {
  const room = await givenClosedRoom()
  await alice.page.getByRole('link', { name: room }).click()
  await alice.page.getByRole('heading', { level: 1, name: room }).waitFor()
  await bob.send(room, text)
  await message(alice.page, text).waitFor()
  return room
}

const outages = {
  'connection closed': () => {
    const since = fixture.network.cut()
    return { since, reconnect: async () => fixture.network.restore() }
  },
  'browser offline': async () => {
    await alice.page.context().setOffline(true)
    return { since: Date.now(), reconnect: () => alice.page.context().setOffline(false) }
  },
}
const bothOutages = Object.entries(outages)

async function readAllTexts(page: Page): Promise<string[]> {
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

async function recordBannerTimes(page: Page): Promise<() => Promise<number[]>> {
  const shown = await page.evaluateHandle((text) => {
    const times: number[] = []
    let wasShown = false
    new MutationObserver(() => {
      const isShown = document.querySelector('.banner.is-warning')?.textContent === text
      if (isShown && !wasShown) times.push(Date.now())
      wasShown = isShown
    }).observe(document.body, { childList: true, subtree: true, characterData: true })
    return times
  }, lost)
  return () => shown.jsonValue()
}

/**
 * Drops all notices that contain the text. From the first dropped notice on, holds back calls of
 * `chat.sync` until `release` is called.
 */
async function dropNotices(page: Page, text: string) {
  let dropped = 0
  const held: (() => void)[] = []
  const synced = Promise.withResolvers<void>()
  const requested = Promise.withResolvers<void>()
  let isHeld = true
  await page.routeWebSocket(/^ws:/, (near) => {
    const far = near.connectToServer()
    far.onMessage((frame) => {
      const isNotice = /notify[\s\S]*/.exec(frame.toString())?.[0].includes(text)
      if (frame.toString().includes('"recovered"')) synced.resolve()
      if (isNotice) dropped++
      else near.send(frame)
    })
    near.onMessage((frame) => {
      if (!isHeld || dropped === 0 || !frame.toString().includes('chat.sync'))
        return far.send(frame)
      held.push(() => far.send(frame))
      requested.resolve()
    })
  })
  return {
    synced: () => synced.promise,
    dropped: () => dropped,
    requested: () => requested.promise,
    release() {
      isHeld = false
      for (const send of held) send()
    },
  }
}

describe('a page during and after an outage', { timeout: 120_000 }, () => {
  it.each(bothOutages)(
    'shows each missed message once and in order, and the number of missed messages: %s',
    async (_, disconnect) => {
      const room = await givenRoom()
      const { reconnect } = await disconnect()
      const missed = Array.from({ length: 150 }, (_, index) => `word ${index}.`)
      for (const text of missed) await bob.send(room, text)
      await alice.page.getByText(lost).waitFor()

      await reconnect()

      await alice.page.getByText('150 messages arrived while you were away.').waitFor(recovery)
      await message(alice.page, 'word 149.').waitFor()
      expect(await readAllTexts(alice.page)).toEqual(['before', ...missed])
    },
  )

  it('shows missed edits, deletions, reactions and replies', async () => {
    const room = await givenRoom()
    const first = await bob.send(room, 'a frist draft')
    const gone = await bob.send(room, 'a secret')
    const liked = await bob.send(room, 'shall we?')
    await message(alice.page, 'shall we?').hover()
    await message(alice.page, 'shall we?').getByRole('button', { name: 'Reply in thread' }).click()
    await alice.page.locator('#thread-composer').waitFor()
    await expect.poll(() => readLocalStore(alice.page)).toContain('a secret')

    fixture.network.cut()
    await bob.client.call('msg.edit', { notifyId: toNotifyId(first), text: 'a first one' })
    await bob.client.call('msg.delete', { notifyId: toNotifyId(gone) })
    const reaction = { notifyId: toNotifyId(liked), emoji: '🎉', on: true }
    await bob.client.call('msg.react', reaction)
    for (const text of ['we shall', 'or not']) await bob.reply(room, liked.id, text)
    await typeMessage(alice.page, 'written meanwhile')
    await alice.page.getByText(lost).waitFor()
    fixture.network.restore()

    // The banner counts each reply in the open thread once, and alice's own message not at all.
    await alice.page.getByText('2 messages arrived while you were away.').waitFor(recovery)
    await message(alice.page, 'a first one').getByText('edited').waitFor()
    await alice.page.getByText('This message was deleted.').waitFor()
    expect(await alice.page.content()).not.toMatch(/a secret|a frist draft/)
    const question = message(alice.page, 'shall we?').first()
    await question.getByRole('button', { name: /🎉 1 by Bob Brown/ }).waitFor()
    await question.getByRole('button', { name: '2 replies' }).waitFor()
    const thread = alice.page.getByRole('region', { name: 'Thread' })
    const replies = thread.getByRole('log').locator('.message-text')
    expect(await replies.allTextContents()).toEqual(['we shall', 'or not'])
    await expect.poll(() => readLocalStore(alice.page)).not.toMatch(/a secret|a frist draft/)
  })

  it('closes a room that the user was removed from, receives no data of it, and deletes its cache', async () => {
    const room = await givenRoom('between us')
    await expect.poll(() => readLocalStore(alice.page)).toContain('between us')
    fixture.network.cut()
    await typeMessage(alice.page, 'am I still in?')
    await bob.client.call('room.kick', { room, userId: 'alice' })
    await bob.send(room, 'among ourselves')
    // Alice may receive messages for up to a second after her removal. This second has passed when
    // the banner appears, two seconds after the network was cut.
    await alice.page.getByText(lost).waitFor()
    const framesBefore = alice.frames.length
    fixture.network.restore()

    await alice.page.getByText(`You’re no longer in ${room}.`).waitFor(recovery)

    expect(await alice.page.getByRole('link', { name: room }).count()).toBe(0)
    expect(await alice.page.getByRole('log').count()).toBe(0)
    expect(new URL(alice.page.url()).pathname).toBe('/')
    await expect.poll(() => readLocalStore(alice.page)).not.toMatch(/between us|among ourselves/)
    await bob.send(room, 'among ourselves, too')
    await givenRoom()
    expect(alice.frames.length).toBeGreaterThan(framesBefore)
    expect(alice.frames.join('\n')).not.toContain('among ourselves')
    await alice.page.goto(fixture.urls.web)
    await alice.page.getByRole('heading', { name: 'Rooms', exact: true }).waitFor()
    expect(await readLocalStore(alice.page)).not.toMatch(/between us|among ourselves/)
  })

  it('says that many messages were missed, without their number, and stays at the first unread one', async () => {
    const room = await givenRoom()
    await alice.page.context().setOffline(true)
    for (let from = 0; from < 520; from += 40)
      await Promise.all(
        Array.from({ length: 40 }, (_, index) => bob.send(room, `word ${from + index}.`)),
      )
    await alice.page.getByText(lost).waitFor()

    await alice.page.context().setOffline(false)

    await alice.page.getByText('Many messages arrived while you were away.').waitFor(recovery)
    await alice.page.getByText('New messages', { exact: true }).waitFor()
    await message(alice.page, 'before').waitFor()
    await alice.page.getByRole('button', { name: /new messages|latest/ }).click()
    await message(alice.page, /word 5[12]\d\./)
      .last()
      .waitFor()
  })

  it('fetches a message whose notice was lost, and marks the message as read only once it is shown', async () => {
    const room = await givenRoom()
    // Alice's first page shows another room, so only the new page can mark the message as read.
    await givenRoom()
    const page = await alice.page.context().newPage()
    const notices = await dropNotices(page, 'not announced')
    await page.goto(`${fixture.urls.web}/r/${room}`)
    await notices.synced()
    await using reader = await createTestUser(fixture.urls, 'alice')
    const unread = async () => {
      const { rooms } = await reader.client.call('room.list', {})
      return rooms.find(({ id }) => id === room)?.unread
    }

    await bob.send(room, 'not announced')
    await expect.poll(notices.dropped).toBeGreaterThan(0)
    await expect.poll(unread).toBe(1)
    // A return to the tab causes these two events. They make the page refresh its rooms and its
    // read positions.
    const returnToTab = () =>
      page.evaluate(() => {
        document.dispatchEvent(new Event('visibilitychange'))
        window.dispatchEvent(new Event('focus'))
      })
    await returnToTab()
    await notices.requested()
    await returnToTab()
    // Long enough for the page to send its read position, if it wrongly counts the message as read.
    await page.waitForTimeout(1_000)
    expect(await unread()).toBe(1)
    notices.release()

    await message(page, 'not announced').waitFor(recovery)
    await expect.poll(unread).toBe(0)
    await page.close()
  })

  it('sends a message that was written while old messages were shown, even after a reload', async () => {
    const room = await givenRoom()
    const { page } = alice
    const first = await bob.send(room, 'long ago')
    for (let index = 0; index < 120; index++) await bob.send(room, `word ${index}.`)
    await message(page, 'word 119.').waitFor()
    await expect.poll(() => readLocalStore(page)).toContain('word 119.')
    await page.goto(`${fixture.urls.web}/r/${room}/m/${first.id}`)
    await page.locator('article[aria-current="location"]').getByText('long ago').waitFor()

    fixture.network.cut()
    await typeMessage(page, 'written far up')
    await message(page, 'written far up').waitFor()
    await page.reload()
    await message(page, 'written far up').waitFor()
    fixture.network.restore()

    const last = async () => {
      const { messages } = await bob.client.call('chat.history', { room })
      return messages.at(-1)?.text
    }
    await expect.poll(last, recovery).toBe('written far up')
  })

  it('shows a message that the user writes before the room’s history has loaded', async () => {
    const { page } = alice
    await givenRoom()
    const room = await givenClosedRoom()
    await page.getByRole('link', { name: room }).waitFor()
    fixture.network.cut()
    await page.getByRole('link', { name: room }).click()

    await typeMessage(page, 'the first words')

    await message(page, 'the first words').waitFor()
    fixture.network.restore()
    const texts = async () =>
      (await bob.client.call('chat.history', { room })).messages.map(({ text }) => text)
    await expect.poll(texts, recovery).toEqual(['the first words'])
    // The start of the room appears once its history has loaded, which contains the sent message.
    // The page must not show this message twice.
    await page.locator('.list-start').waitFor(recovery)
    expect(await page.getByRole('article').count()).toBe(1)
  })

  it('shows an error when older messages fail to load, and loads them after a retry', async () => {
    const room = await givenRoom('the first')
    const { page } = alice
    const link = page.getByRole('link', { name: room })
    // Alice's own messages count as read, so the room opens at its end. There, the page loads only
    // the newest history page.
    await using aliceUser = await createTestUser(fixture.urls, 'alice')
    for (let index = 0; index < 140; index++) await aliceUser.send(room, `word ${index}.`)
    await message(page, 'word 139.').waitFor()
    await expect
      .poll(async () => {
        const { rooms } = await aliceUser.client.call('room.list', {})
        return rooms.find(({ id }) => id === room)?.unread
      })
      .toBe(0)
    await givenRoom()
    await link.click()
    await message(page, 'word 139.').waitFor()
    await page.locator('#composer').waitFor()

    fixture.network.cut()
    const failed = page.getByText('Couldn’t load older messages.')
    const goUp = async () => {
      await page.getByRole('log').press('Home')
      return failed.count()
    }
    await expect.poll(goUp, { timeout: 90_000 }).toBe(1)
    await page.getByRole('button', { name: 'Try again' }).waitFor()
    fixture.network.restore()

    await page
      .getByText('Couldn’t load older messages.')
      .waitFor({ state: 'detached', ...recovery })
    const start = page.getByText(`This is the start of ${room}.`)
    await expect.poll(() => goUp().then(() => start.count()), recovery).toBe(1)
    await message(page, 'the first').waitFor()
  })

  it('shows that an unreachable room failed to load, not that it is missing', async () => {
    await givenRoom()
    const other = `room-${crypto.randomUUID().slice(0, 8)}`
    await bob.client.call('room.create', { room: other, name: other, kind: 'public' })
    fixture.network.cut()
    await goTo(alice.page, fixture.urls.web, other)

    await alice.page.getByText('Couldn’t load this room.').waitFor(recovery)
    fixture.network.restore()

    await alice.page.getByRole('button', { name: 'Join room' }).waitFor(recovery)
  })

  it('shows no banner during an outage of less than a second', async () => {
    const room = await givenRoom()
    const shown = await recordBannerTimes(alice.page)

    fixture.network.cut()
    await alice.page.waitForTimeout(600)
    fixture.network.restore()
    await bob.send(room, 'back again')
    await message(alice.page, 'back again').waitFor()

    expect(await shown()).toEqual([])
    expect(await alice.page.locator('.banner').count()).toBe(0)
  })

  it.each(bothOutages)('shows the banner about 2 s into an outage: %s', async (_, disconnect) => {
    await givenRoom()
    const shown = await recordBannerTimes(alice.page)

    const { since, reconnect } = await disconnect()
    await alice.page.getByText(lost).waitFor()

    const [shownAt = 0, ...more] = await shown()
    expect(shownAt - since).toBeGreaterThanOrEqual(1_800)
    expect(shownAt - since).toBeLessThanOrEqual(4_000)
    await reconnect()
    await alice.page.getByText(lost).waitFor({ state: 'detached', ...recovery })
    expect(more).toEqual([])
  })

  it('completes an action that the user began during a short outage', async () => {
    const { page } = alice
    await givenRoom()
    const me = page.getByRole('button', { name: /^Alice Adams/ })
    const choice = (status: string) => page.getByRole('menuitemradio', { name: status })
    await me.click()
    const away = choice('Away')
    await away.waitFor()
    const reconnecting = page.waitForEvent('websocket')
    fixture.network.cut()
    await reconnecting
    await away.click()

    fixture.network.restore()

    await me.filter({ hasText: 'Away' }).waitFor()
    expect(await page.getByText('Can’t reach the server.').count()).toBe(0)
    await me.click()
    await choice('Online').click()
    await me.filter({ hasText: 'Online' }).waitFor()
  })

  it('reconnects when the open connection no longer delivers data', async () => {
    const room = await givenRoom()
    const page = await alice.page.context().newPage()
    await page.clock.install()
    await page.goto(`${fixture.urls.web}/r/${room}`)
    await message(page, 'before').waitFor()
    await bob.send(room, 'one')
    await message(page, 'one').waitFor()

    const resume = fixture.network.stall()
    await bob.send(room, 'two')
    // After two ping intervals, the page notices that no response to its pings has arrived.
    await page.clock.runFor(20_000)

    await message(page, 'two').waitFor(recovery)
    resume()
    await page.close()
  })

  it('recovers in all tabs of a user, while other users see no status change', async () => {
    const room = await givenRoom()
    const statuses: string[] = []
    const stop = bob.client.listen(topics.deliverPresence, { user: 'bob', room }, ({ changes }) => {
      for (const { userId, status } of changes) if (userId === 'alice') statuses.push(status)
    })
    const tabs = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const page = await alice.page.context().newPage()
        await page.goto(`${fixture.urls.web}/r/${room}`)
        await message(page, 'before').waitFor()
        await page.locator('#composer').waitFor()
        return page
      }),
    )

    fixture.network.cut()
    await Promise.all(tabs.map((page) => page.getByText(lost).waitFor()))
    for (const text of ['one', 'two', 'three']) await bob.send(room, text)
    await typeMessage(tabs[2] ?? alice.page, 'and four')
    fixture.network.restore()

    // Each tab reconnects at its own time, and its banner disappears some seconds later. So wait
    // for all banners in parallel.
    const counted = '3 messages arrived while you were away.'
    await Promise.all(tabs.map((page) => page.getByText(counted).waitFor(recovery)))
    for (const page of tabs) {
      const texts = () => page.getByRole('log').locator('.message-text').allTextContents()
      await expect.poll(texts).toEqual(['before', 'one', 'two', 'three', 'and four'])
    }
    const { present } = await bob.client.call('presence.room', { room })
    expect(present).toMatchObject({ alice: 'online' })
    expect(statuses).toEqual([])
    stop()
    await Promise.all(tabs.map((page) => page.close()))
  })
})

describe('a message that the server rejects', { timeout: 60_000 }, () => {
  it('shows the reason, even after a reload, and can be resent or discarded by its sender', async () => {
    const room = await givenRoom()
    const { page } = alice
    const outgoing = page.locator('article.is-outgoing')
    fixture.network.cut()
    for (const text of ['may I?', 'or not?']) await typeMessage(page, text)
    await bob.client.call('room.role', { room, userId: 'alice', role: 'guest' })
    await page.getByText(lost).waitFor()
    fixture.network.restore()

    await page
      .locator('.announcer')
      .getByText('Not sent. You don’t have permission')
      .first()
      .waitFor(recovery)
    for (const text of ['may I?', 'or not?'])
      await outgoing
        .filter({ hasText: text })
        .getByText('Not sent. You don’t have permission to do this, or it no longer exists.')
        .waitFor(recovery)
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
    // The server caches roles for half a second, so the first retries may still fail.
    const retry = outgoing.getByRole('button', { name: 'Try again' })
    const tryAgain = async () => {
      if ((await retry.count()) > 0) await retry.click()
      return page.locator('article:not(.is-outgoing)').filter({ hasText: 'may I?' }).count()
    }
    await expect.poll(tryAgain, recovery).toBe(1)

    await page.reload()
    await message(page, 'may I?').waitFor()
    expect(await outgoing.count()).toBe(0)
    const { messages } = await bob.client.call('chat.history', { room })
    expect(messages.map(({ text }) => text)).toEqual(['before', 'may I?'])
    expect(await readLocalStore(page)).not.toContain('or not?')
  })
})

describe('a page opened while a dependency is unavailable', { timeout: 120_000 }, () => {
  it('opens links to a cached message and to a thread, and loads the uncached messages and replies after the outage', async () => {
    const room = await givenRoom()
    const question = await bob.send(room, 'shall we?')
    await bob.reply(room, question.id, 'we shall')
    for (let index = 0; index < 15; index++) await bob.send(room, `word ${index}.`)
    const { page } = alice
    await message(page, 'word 14.').waitFor()
    await message(page, 'shall we?').getByRole('button', { name: '1 reply' }).waitFor()
    await expect.poll(() => readLocalStore(page)).toContain('word 14.')
    const marked = page.locator('article[aria-current="location"]')
    fixture.network.cut()

    await page.goto(`${fixture.urls.web}/r/${room}/m/${question.id}`)
    await marked.getByText('shall we?').waitFor()
    await page.goto(`${fixture.urls.web}/r/${room}/t/${question.id}`)
    await message(page, 'word 14.').waitFor()
    const thread = page.getByRole('region', { name: 'Thread' })
    await thread.getByText('shall we?').waitFor()
    await thread.getByText('Messages will appear here when you reconnect.').waitFor()
    await bob.send(room, 'sent meanwhile')
    fixture.network.restore()

    await thread.getByText('we shall').waitFor(recovery)
    await message(page, 'sent meanwhile').waitFor(recovery)
  })

  it('shows cached messages and a banner while NATS is down, and recovers after a restart of NATS', async () => {
    const room = await givenRoom('before NATS stopped')
    await expect.poll(() => readLocalStore(alice.page)).toContain('before NATS stopped')
    await fixture.nats.stop()

    await alice.page.reload()
    const charlie = await (await fixture.browser.newContext({ locale: 'en-US' })).newPage()
    const arrived = logIn(charlie, fixture.urls.web, 'charlie')

    await message(alice.page, 'before NATS stopped').waitFor()
    await alice.page.getByText(lost).waitFor()
    await charlie.getByText('Can’t reach Natter. Retrying…').waitFor()
    await fixture.nats.restart()
    const sendAgain = () => bob.send(room, 'and after').catch(({ code }) => ({ id: code }))
    await expect.poll(sendAgain, recovery).toMatchObject({ seq: expect.any(Number) })
    await message(alice.page, 'and after').first().waitFor(recovery)
    await alice.page.getByText(lost).waitFor({ state: 'detached', ...recovery })
    await arrived
    await charlie.getByRole('link', { name: 'General' }).waitFor(recovery)
    await charlie.context().close()
  })

  it('shows cached messages, or an error in a new browser, while the OIDC provider is down, and recovers afterwards', async () => {
    const room = await givenRoom('before the provider stopped')
    await expect.poll(() => readLocalStore(alice.page)).toContain('before the provider stopped')
    const stranger = await (await fixture.browser.newContext({ locale: 'en-US' })).newPage()
    await fixture.issuer.stop()

    await alice.page.reload()
    await stranger.goto(fixture.urls.web)

    await message(alice.page, 'before the provider stopped').waitFor()
    await alice.page.getByText('You’re offline.').waitFor()
    await stranger.getByText('Can’t reach the login server.').waitFor()
    await fixture.issuer.restart()
    await alice.page.getByText('You’re offline.').waitFor({ state: 'detached', ...recovery })
    await stranger.getByRole('button', { name: 'Log in' }).waitFor(recovery)
    await bob.send(room, 'and after')
    await message(alice.page, 'and after').waitFor(recovery)
    await stranger.context().close()
  })

  it('shows an error when the OIDC provider does not respond', async () => {
    const stranger = await (await fixture.browser.newContext({ locale: 'en-US' })).newPage()
    await stranger.clock.install()
    await fixture.issuer.kill('SIGSTOP')
    const discovery = stranger.waitForRequest(/openid-configuration/)

    await stranger.goto(fixture.urls.web)
    await discovery
    await stranger.clock.fastForward(10_000)

    await stranger.getByText('Can’t reach the login server.').waitFor()
    await fixture.issuer.kill('SIGCONT')
    await stranger.clock.fastForward(10_000)
    await stranger.getByRole('button', { name: 'Log in' }).waitFor(recovery)
    await stranger.context().close()
  })

  it('logs in without a click after the auth callout was unavailable', async () => {
    const room = await givenRoom()
    const { page } = alice
    const attempts: Page[] = []
    const resume = fixture.stallAuthCallout()
    onTestFinished(resume)
    const other = await page.context().newPage()
    onTestFinished(() => other.close())
    for (const tab of [page, other]) tab.on('websocket', () => attempts.push(tab))
    await other.goto(`${fixture.urls.web}/r/${room}`)
    fixture.network.cut()
    fixture.network.restore()
    // A page that treats an attempt as a rejected login does not try again. So a third attempt
    // shows that it treated the first two as an outage.
    for (const tab of [page, other])
      await expect
        .poll(() => attempts.filter((attempt) => attempt === tab).length, { timeout: 90_000 })
        .toBeGreaterThan(2)
    for (const tab of [page, other])
      expect(await tab.getByText('Couldn’t log you in.').count()).toBe(0)
    resume()

    for (const tab of [page, other]) await message(tab, 'before').waitFor(recovery)
    await bob.send(room, 'good to have you back')
    for (const tab of [page, other]) await message(tab, 'good to have you back').waitFor(recovery)
  })
})
