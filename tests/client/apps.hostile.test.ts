import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { findChromium } from '../../stack/install/chromium.ts'
import {
  goTo,
  message,
  typeMessage,
  useClientFixture,
  type Visitor,
} from '../support/client-fixture.ts'
import { type HostileFixture, startHostileApp } from '../support/hostile-fixture.ts'

// Uses the full Chromium: in its headless shell, an endless loop in the frame of an app would also
// block the page.
const fixture = useClientFixture({
  findBrowser: findChromium,
  env: { RATE_LIMIT_FACTOR: '100' },
})

let alice: Visitor
let hostile: HostileFixture

beforeAll(async () => {
  hostile = await startHostileApp(fixture, await fixture.connect('alice'))
}, 120_000)
// Each test has its own page, because the effects of an attack may outlast the app.
beforeEach(async () => {
  alice = await fixture.open('alice')
}, 30_000)
afterEach(() => alice?.page.context().close())
afterAll(() => hostile?.[Symbol.asyncDispose]())

async function openRoom(attack: string) {
  const { page } = alice
  const room = await hostile.createRoom(attack)
  await goTo(page, fixture.urls.web, room)
  await page.getByRole('heading', { level: 1, name: room.slice(-8) }).waitFor()
  await page.getByRole('button', { name: 'Room options' }).click()
  await page.getByRole('menuitem', { name: 'Apps' }).click()
  return { report: hostile.nextReport(room) }
}

/** Starts the hostile app in a new room. `report` resolves to the result that the app sends. */
async function attack(name: string) {
  const { report } = await openRoom(name)
  await alice.page.getByRole('button', { name: 'Open Hostile' }).click()
  return { report }
}

async function expectEnded(page: Page, text: string | RegExp) {
  await page.getByRole('alert').filter({ hasText: text }).waitFor({ timeout: 30_000 })
  expect(await page.locator('iframe').count()).toBe(0)
}

const violation = 'did something that apps aren’t allowed to do'

/** Checks that the room still works: opens its polls, and sends a message. */
async function expectUsable(page: Page) {
  await page.getByRole('button', { name: 'All apps' }).click()
  await page.getByRole('button', { name: 'Open Poll' }).click()
  await page
    .frameLocator('iframe[title="Poll"]')
    .getByRole('heading', { name: 'Polls' })
    .waitFor({ timeout: 50_000 })
  const text = `still here ${crypto.randomUUID()}`
  await typeMessage(page, text)
  await message(page, text).waitFor()
}

describe('a hostile app', { timeout: 120_000 }, () => {
  it('reaches neither the page, nor storage, nor the network', async () => {
    const { page } = alice
    const before = page.url()
    const { report } = await attack('escape')

    const ended = page.getByRole('alert').waitFor({ timeout: 60_000 })
    const escaped = await Promise.race([report, ended.then(() => 'was closed')])

    const { origin } = new URL(before)
    expect(escaped).toEqual({ finished: 'yes' })
    expect(page.url().startsWith(`${origin}/r/hostile-`)).toBe(true)
    expect(page.context().pages()).toHaveLength(1)
    await expectUsable(page)
    // Chromium opens a connection before the content security policy stops a navigation, but it
    // sends no request. So connections are not checked.
    expect(hostile.received()).toMatchObject({ packets: 0, requests: 0 })
  })

  it('could not send UDP packets unnoticed: the test’s listener receives those that the page itself sends', async () => {
    await alice.page.evaluate(async (urls) => {
      const peer = new RTCPeerConnection({ iceServers: [{ urls }] })
      peer.createDataChannel('leak')
      await peer.setLocalDescription(await peer.createOffer())
    }, hostile.stunUrl)

    await expect.poll(() => hostile.received().packets, { timeout: 5_000 }).toBeGreaterThan(0)
  })

  it.each(['loop', 'escape-and-loop'])(
    'is closed when the attack %s runs an endless loop, and other apps can then start',
    async (name) => {
      await attack(name)

      await expectEnded(alice.page, 'stopped responding')

      await expectUsable(alice.page)
    },
  )

  it.each(['flood', 'large', 'page', 'history', 'navigate', 'download'])(
    'is closed after the attack %s, and the room remains usable',
    async (name) => {
      await attack(name)

      await expectEnded(alice.page, violation)

      await expectUsable(alice.page)
    },
  )

  it('cannot send a form', async () => {
    const { report } = await attack('form')

    expect(await report).toEqual({ navigated: 'no' })
    expect(hostile.received().requests).toBe(0)
  })

  it('cannot take the focus from the composer', async () => {
    const { page } = alice
    await openRoom('focus')
    // The menu returns the focus to its button when it closes. Wait for that before the composer
    // gets the focus.
    await page.locator('.room-head button:focus').waitFor()
    await page.locator('#composer').focus()
    await page.mouse.move(300, 300)
    await page.evaluate(() =>
      [...document.querySelectorAll('button')]
        .find(({ textContent }) => textContent === 'Open Hostile')
        ?.click(),
    )
    await page.keyboard.type('my secret words', { delay: 60 })

    await expectEnded(page, 'moved the focus away')
    expect(await page.locator('#composer').inputValue()).toBe('my secret words')
    await page.locator('#composer').fill('')
  })

  it('cannot make more than 30 calls per second', async () => {
    const { report } = await attack('calls')

    // The page counts the calls of each second. The app makes its 100 calls at once, so they fall
    // into at most two of these seconds, and the page accepts at most 60 of them.
    expect(Number((await report).limited)).toBeGreaterThanOrEqual(40)
  })

  it('cannot call subjects other than those of its own actions', async () => {
    const { report } = await attack('subjects')

    expect(await report).toEqual({
      codes: 'invalid invalid invalid invalid invalid invalid',
    })
  })
})
