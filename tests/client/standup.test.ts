import type { FrameLocator, Page } from 'playwright-core'
import postgres from 'postgres'
import { beforeEach, describe, expect, it } from 'vitest'
import type { AppId } from '#schema/messages/app'
import {
  createRoom,
  expectAccessible,
  expectNoProblems,
  message,
  useClientFixture,
  type Visitor,
} from '../support/client-fixture.ts'
import type { TestUser } from '../support/test-user.ts'

let alice: Visitor
let bob: Visitor
let aliceClient: TestUser

const fixture = useClientFixture({
  env: { RATE_LIMIT_FACTOR: '100' },
  async setUp({ open, connect }) {
    aliceClient = await connect('alice')
    alice = await open('alice')
    bob = await open('bob')
  },
})

let room: string

/** Alice owns the room and bob is a member of it. The app Standup is installed there. */
beforeEach(async () => {
  room = await createRoom(alice.page, 'private')
  await fixture.inviteAndJoin(room, 'bob', aliceClient)
  await aliceClient.client.call('apps.install', { room, app: 'standup' as AppId })
  const name = (await alice.page.getByRole('heading', { level: 1 }).textContent()) ?? ''
  await bob.page.getByRole('link', { name }).click()
  await bob.page.getByRole('heading', { level: 1, name }).waitFor()
})

async function openStandup({ page }: Visitor) {
  await page.getByRole('button', { name: 'Room options' }).click()
  await page.getByRole('menuitem', { name: 'Apps' }).click()
  const panel = page.getByRole('region', { name: 'Apps' })
  await panel.getByRole('button', { name: 'Open Standup' }).click()
  return frameOf(page)
}

function frameOf(page: Page): FrameLocator {
  return page.frameLocator('iframe[title="Standup"]')
}

/** Changes the database so that the next standup opens now. */
async function openNow() {
  const sql = postgres(fixture.urls.databaseUrl, { max: 1 })
  await sql`update app_standup.settings set opens_at = now() where room = ${room}`
  await sql.end()
}

async function setLanguage(page: Page, language: string) {
  await page.evaluate((chosen) => {
    const key = 'natter-settings'
    localStorage.setItem(
      key,
      JSON.stringify({ ...JSON.parse(localStorage[key]), language: chosen }),
    )
    dispatchEvent(new StorageEvent('storage', { key }))
  }, language)
}

const waiting = { timeout: 20_000 }

describe('a standup', { timeout: 90_000 }, () => {
  it('is planned by the owner, answered by all members, and summarized in the room', async () => {
    const app = await openStandup(alice)
    await app.getByText('No standup is scheduled.').waitFor()
    await app.getByRole('button', { name: 'Settings' }).click()
    await app.getByLabel('Time', { exact: true }).fill('08:15')
    await app.getByLabel('Time zone').selectOption('Asia/Tokyo')
    await app.getByRole('checkbox', { name: 'Sat' }).check()
    await app.getByLabel('Time to answer').selectOption({ label: '2 hours' })
    await expectAccessible(alice.page)
    await app.getByRole('button', { name: 'Save' }).click()
    await app.getByText('Next standup:').waitFor()
    expect(await bob.page.getByRole('button', { name: 'Open Standup' }).count()).toBe(0)
    await openNow()

    const card = message(bob.page, /Time for the standup! Answer by/)
    await card.getByRole('button', { name: 'Open Standup' }).click(waiting)
    const ofBob = frameOf(bob.page)
    await ofBob.getByText('0 of 2 answered').waitFor()
    expect(await ofBob.getByRole('button', { name: 'Settings' }).count()).toBe(0)
    await expectAccessible(bob.page)
    for (const [visitor, done] of [
      [ofBob, 'Fixed the build'],
      [app, 'Wrote the docs'],
    ] as const) {
      await visitor.getByLabel('What did you do since the last standup?').fill(done)
      await visitor.getByLabel('What will you do next?').fill('More of it')
      await visitor.getByRole('button', { name: 'Submit' }).click()
    }

    await message(bob.page, /Standup of .*: 2 of 2 answered/).waitFor()
    await ofBob.getByText('Wrote the docs').waitFor()
    await app.getByText('Fixed the build').waitFor()
    await expectAccessible(alice.page)
    await expectNoProblems(alice)
    await expectNoProblems(bob)
  })

  it('keeps a draft, can be answered by keyboard only, and accepts changed answers until it ends', async () => {
    const { page } = bob
    const data = { time: '09:30', timeZone: 'UTC', days: [1, 2, 3, 4, 5, 6, 7], minutes: 60 }
    const input = { app: 'standup' as AppId, room: room as never, action: 'configure', data }
    await aliceClient.client.call('app.action', input)
    await openNow()
    await message(page, /Time for the standup!/).waitFor(waiting)
    const app = await openStandup(bob)
    const done = app.getByLabel('What did you do since the last standup?')
    await done.fill('Half a draft')
    await done.blur()
    await expect
      .poll(async () => {
        await page.getByRole('button', { name: 'All apps' }).click()
        const panel = page.getByRole('region', { name: 'Apps' })
        await panel.getByRole('button', { name: 'Open Standup' }).click()
        return done.inputValue()
      })
      .toBe('Half a draft')

    await done.focus()
    for (const text of [', now whole', 'Next things']) {
      await page.keyboard.press('End')
      await page.keyboard.type(text)
      await page.keyboard.press('Tab')
    }
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')

    await app.getByText('1 of 2 answered').waitFor()
    await app.getByText('You’ve submitted your answers.').waitFor()
    await done.fill('Changed')
    await app.getByRole('button', { name: 'Update' }).click()
    await app.getByText('1 of 2 answered').waitFor()
    const aliceApp = await openStandup(alice)
    await aliceApp.getByText('1 of 2 answered').waitFor()
    expect(await aliceApp.getByText('Changed').count()).toBe(0)
  })

  it.each([
    ['de', 'Einstellungen', 'ltr'],
    ['zh', '设置', 'ltr'],
    ['ar', 'الإعدادات', 'rtl'],
  ])('is accessible in %s, with that language’s direction', async (language, settings, dir) => {
    const app = await openStandup(alice)

    await setLanguage(alice.page, language)

    await app.getByRole('button', { name: settings }).click()
    expect(await app.locator(':root').getAttribute('dir')).toBe(dir)
    await expectAccessible(alice.page)
    await setLanguage(alice.page, '')
    await app.getByRole('button', { name: 'Save' }).waitFor()
  })
})
