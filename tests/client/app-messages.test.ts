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

const poll = 'poll' as AppId
let alice: Visitor
let bob: Visitor
let aliceClient: TestUser
let bobClient: TestUser

const fixture = useClientFixture({
  env: { RATE_LIMIT_FACTOR: '100' },
  async setUp({ open, connect }) {
    aliceClient = await connect('alice')
    bobClient = await connect('bob')
    alice = await open('alice')
    bob = await open('bob')
  },
})

let room: string

/** Alice owns the room and bob is a member of it. */
beforeEach(async () => {
  room = await createRoom(alice.page, 'private')
  await fixture.inviteAndJoin(room, 'bob', aliceClient)
  const name = (await alice.page.getByRole('heading', { level: 1 }).textContent()) ?? ''
  await bob.page.getByRole('link', { name }).click()
  await bob.page.getByRole('heading', { level: 1, name }).waitFor()
})

async function createPoll(question: string) {
  await aliceClient.client.call('apps.install', { room, app: poll })
  await bobClient.client.call('app.action', {
    app: poll,
    room,
    action: 'create',
    data: { id: crypto.randomUUID(), question, options: ['Pizza', 'Soup'] },
  })
}

describe('a message of an app', { timeout: 60_000 }, () => {
  it('shows the app as its sender, and opens the app on a click on “Open Poll” or on the sender’s name', async () => {
    const { page } = alice
    await createPoll('Lunch? **now**')

    const card = message(page, /started a poll: Lunch\? \*\*now\*\*/)
    await card.waitFor()
    expect(await card.getByText('App', { exact: true }).count()).toBe(1)
    await expectAccessible(page)
    await card.getByRole('button', { name: 'Open Poll' }).click()

    const app = page.frameLocator('iframe[title="Poll"]')
    await app.getByRole('group', { name: 'Lunch?' }).waitFor()
    await page.getByRole('button', { name: 'All apps' }).click()
    await card.getByRole('button', { name: 'Poll', exact: true }).click()
    await app.getByRole('group', { name: 'Lunch?' }).waitFor()
    await expectNoProblems(alice)
  })

  it('is shown to each reader in the language of their settings', async () => {
    const { page } = bob
    await createPoll('Mittag?')
    await message(page, /started a poll: Mittag\?/).waitFor()
    const setLanguage = (language: string) =>
      page.evaluate((chosen) => {
        const key = 'natter-settings'
        const settings = { ...JSON.parse(localStorage[key]), language: chosen }
        localStorage.setItem(key, JSON.stringify(settings))
        dispatchEvent(new StorageEvent('storage', { key }))
      }, language)

    await setLanguage('ar')

    const card = page.locator('.message-card')
    await card.getByText(/بدأ .* استطلاعًا: Mittag\?/).waitFor()
    await card.getByRole('button', { name: 'فتح' }).waitFor()
    await expectAccessible(page)
    await setLanguage('')
    await card.getByText(/started a poll: Mittag\?/).waitFor()
  })

  it('can be deleted by moderators; other members can neither edit nor delete it', async () => {
    await createPoll('Soon gone?')
    const menuOf = async ({ page }: Visitor) => {
      const row = message(page, /started a poll: Soon gone\?/)
      await row.hover()
      await row.getByRole('button', { name: 'More' }).click()
      return page.getByRole('menu')
    }
    const ofBob = await menuOf(bob)
    await ofBob.getByRole('menuitem', { name: 'Copy text' }).waitFor()
    expect(await ofBob.getByRole('menuitem', { name: /Edit|Delete|Translate/ }).count()).toBe(0)
    await bob.page.keyboard.press('Escape')

    await (await menuOf(alice)).getByRole('menuitem', { name: 'Delete' }).click()
    await alice.page.getByRole('button', { name: 'Delete' }).click()

    await expect.poll(() => bob.page.locator('.message-card').count()).toBe(0)
  })
})

describe('an app that can post messages', { timeout: 60_000 }, () => {
  it('is marked as such in the list of apps before it is installed', async () => {
    const { page } = alice
    await page.getByRole('button', { name: 'Room options' }).click()
    await page.getByRole('menuitem', { name: 'Apps' }).click()

    const row = page.getByRole('listitem').filter({ hasText: 'Poll' })

    await row.getByText('Can post messages in this room').waitFor()
    await row.getByRole('button', { name: 'Add Poll' }).waitFor()
  })
})
