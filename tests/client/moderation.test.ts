import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import type { UserId } from '#schema/ids'
import {
  createRoom,
  expectAccessible,
  expectNoProblems,
  logOut,
  message,
  useClientFixture,
  type Visitor,
} from '../support/client-fixture.ts'
import type { TestUser } from '../support/test-user.ts'

let alice: Visitor
let bob: TestUser

const fixture = useClientFixture({
  async setUp({ open, connect }) {
    bob = await connect('bob')
    alice = await open('alice')
  },
})

describe('moderation', { timeout: 120_000 }, () => {
  it('bans a user who has left the room, and lifts the ban', async () => {
    const { page } = alice
    const room = await createRoom(page, 'public')
    await bob.client.call('room.join', { room })
    await bob.client.call('room.leave', { room })
    await page.getByRole('button', { name: 'Members', exact: true }).click()
    await page.getByRole('button', { name: 'Banned people' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('No one is banned from this room.').waitFor()

    await dialog.getByLabel('Search people by name').fill('bob')
    await dialog.getByRole('option', { name: /Bob Brown/ }).click()

    const ban = dialog.getByRole('listitem').filter({ hasText: 'Bob Brown' })
    await ban.waitFor()
    await expectAccessible(page)
    await ban.getByRole('button', { name: 'Unban' }).click()
    await dialog.getByText('No one is banned from this room.').waitFor()
    // The first Escape clears the search field, the second one closes the dialog.
    await dialog.getByLabel('Search people by name').press('Escape')
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
  })

  it('logs out a deactivated user until the reactivation; afterwards, login and logout work as before', async () => {
    const { page } = alice
    const { page: closed } = await fixture.open('bob')
    const room = await createRoom(page, 'public')
    await bob.client.call('room.join', { room })
    await bob.send(room, 'the last words')
    await message(page, 'the last words')
      .getByRole('button', { name: /Bob Brown/ })
      .first()
      .click()
    const card = page.locator('.card')

    await card.getByRole('button', { name: 'Deactivate account' }).click()
    await card.getByText('Bob Brown will be logged out').waitFor()
    await card.getByRole('button', { name: 'Deactivate account' }).click()

    await card.getByText('Deactivated').waitFor()
    // The timeout is far shorter than the five minutes until the token expires: the deactivation
    // itself must end the session.
    await closed.getByText('Couldn’t log you in.').waitFor({ timeout: 25_000 })
    expect(await closed.getByRole('article').count()).toBe(0)
    await card.getByRole('button', { name: 'Reactivate account' }).click()
    await card.getByRole('button', { name: 'Deactivate account' }).waitFor()
    await closed.getByRole('button', { name: 'Try again' }).click()
    await closed.getByRole('heading', { name: 'Rooms', exact: true }).waitFor()
    const other = await openWithoutBroadcasts(closed)
    await logOut(other)
    await closed.getByText('Your session has ended.').waitFor()
    await closed.context().close()
    await expectNoProblems(alice)
  })

  it('tells a user whose login is rejected that the session has ended, if the provider ends it later', async () => {
    await using admin = await fixture.connect('alice')
    const { page } = await fixture.open('charlie')
    const other = await openWithoutBroadcasts(page)
    await other.getByRole('heading', { name: 'Rooms', exact: true }).waitFor()
    const charlie = { userId: 'charlie' as UserId }
    await admin.client.call('admin.deactivate', charlie)
    for (const tab of [page, other]) await tab.getByText('Couldn’t log you in.').waitFor()

    await other.getByRole('button', { name: 'Log out' }).click()

    // The token is valid for five minutes. The page must notice before that the session has ended.
    await page.getByText('Your session has ended.').waitFor({ timeout: 60_000 })
    await admin.client.call('admin.reactivate', charlie)
    await page.context().close()
  })
})

/** Opens a page that broadcasts nothing: other tabs learn of its logout only from the provider. */
async function openWithoutBroadcasts(page: Page): Promise<Page> {
  const other = await page.context().newPage()
  await other.addInitScript(() => {
    BroadcastChannel.prototype.postMessage = () => undefined
  })
  await other.goto(fixture.urls.web)
  return other
}
