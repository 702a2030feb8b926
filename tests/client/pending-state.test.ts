import type { Locator, Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import type { RoomId } from '#schema/ids'
import {
  createRoom,
  expectAccessible,
  logIn,
  logOut,
  message,
  typeMessage,
  type Visitor,
} from '../support/client-fixture.ts'
import { useOfflineFixture } from '../support/offline-fixture.ts'
import type { TestUser } from '../support/test-user.ts'

let alice: Visitor
let bob: TestUser

const fixture = useOfflineFixture(async ({ open, connect }) => {
  bob = await connect('bob')
  alice = await open('alice')
})

const recovery = { timeout: 20_000 }

async function givenRoom(name = `room-${crypto.randomUUID().slice(0, 8)}`): Promise<RoomId> {
  const room = `room-${crypto.randomUUID()}` as RoomId
  await bob.client.call('room.create', { room, name, kind: 'private' })
  await fixture.inviteAndJoin(room, 'alice', bob)
  return room
}

const nameOf = async (room: RoomId) => (await bob.client.call('room.info', { room })).room.name

async function openRoom(page: Page, name: string): Promise<void> {
  await page.getByRole('link', { name }).click()
  await page.getByRole('heading', { level: 1, name }).waitFor()
}

async function boxOf(locator: Locator) {
  const box = await locator.boundingBox()
  if (!box) throw new Error('The element is not visible')
  return { ...box, end: box.y + box.height }
}

describe('an unsent message', { timeout: 90_000 }, () => {
  it('is labelled “Sending…”, and “Not sent.” after a rejection, each with an icon', async () => {
    const { page } = alice
    const room = await givenRoom()
    await openRoom(page, await nameOf(room))
    const outgoing = page.locator('article.is-outgoing')
    fixture.network.cut()

    await typeMessage(page, 'on its way')

    await outgoing.getByText('Sending…').waitFor()
    await outgoing.locator('.icon.is-clock').waitFor()
    await expectAccessible(page)
    await bob.client.call('room.role', { room, userId: 'alice', role: 'guest' })
    fixture.network.restore()
    await outgoing.getByText('Not sent.').waitFor(recovery)
    await outgoing.locator('.icon.is-alert').waitFor()
    expect(await outgoing.getByText('Sending…').count()).toBe(0)
    await outgoing.getByRole('button', { name: 'Try again' }).waitFor()
    await outgoing.getByRole('button', { name: 'Discard' }).click()
  })
})

describe('a draft', { timeout: 90_000 }, () => {
  it('in a room or a thread marks the room in the sidebar of each tab that shows another room', async () => {
    const { page } = alice
    const otherId = await givenRoom()
    const [room, other] = [await nameOf(await givenRoom()), await nameOf(otherId)]
    const link = (tab: Page) => tab.getByRole('link', { name: new RegExp(`${room}.*Draft`) })
    await openRoom(page, room)
    await page.locator('#composer').fill('half a sentence')
    expect(await link(page).count()).toBe(0)
    const tab = await page.context().newPage()
    await tab.goto(`${fixture.urls.web}/r/${otherId}`)
    await link(tab).waitFor(recovery)

    await openRoom(page, other)

    await link(page).waitFor()
    await openRoom(page, room)
    await typeMessage(page, 'a whole sentence')
    await link(tab).waitFor({ state: 'detached' })
    await message(page, 'a whole sentence').hover()
    await page.getByRole('button', { name: 'Reply in thread' }).click()
    await page.locator('#thread-composer').fill('half a reply')
    await openRoom(page, other)
    await link(page).waitFor()
    await link(tab).waitFor()
    await tab.close()
  })
})

describe('a toast', { timeout: 60_000 }, () => {
  it('covers neither the composer nor the header of the room', async () => {
    const { page } = alice
    const [room, archived] = [await givenRoom(), await givenRoom()]
    const [name, archivedName] = [await nameOf(room), await nameOf(archived)]
    await page.getByRole('link', { name: archivedName }).waitFor()
    await openRoom(page, name)

    await bob.client.call('room.archive', { room: archived })

    const toast = await boxOf(page.getByText(`${archivedName} was archived.`))
    expect(toast.end).toBeLessThan((await boxOf(page.locator('form.composer'))).y)
    expect(toast.y).toBeGreaterThan((await boxOf(page.locator('.room-main > header'))).end)
  })
})

describe('a long name', { timeout: 60_000 }, () => {
  const long = `Weekly coordination of everything that is going on ${crypto.randomUUID().slice(0, 8)}`

  it('is shown in full in a tooltip if it is truncated', async () => {
    const { page } = alice
    await givenRoom(long)
    const short = await nameOf(await givenRoom(`Short ${crypto.randomUUID().slice(0, 4)}`))
    const tip = page.getByRole('tooltip')

    await page.getByRole('link', { name: long }).locator('.room-name').hover()

    await tip.filter({ hasText: long }).waitFor()
    await page.getByRole('link', { name: short }).locator('.room-name').hover()
    await tip.waitFor({ state: 'detached' })
  })

  it('keeps its own writing direction on an Arabic page, is truncated at its end, and is right-aligned like Arabic names', async () => {
    const { page } = alice
    await givenRoom('غرفة طويلة الاسم للاختبار')
    const styles = (name: string) =>
      page
        .locator('.room-name')
        .filter({ hasText: name })
        .evaluate((element) => {
          const { direction, textAlign, textOverflow } = getComputedStyle(element)
          return { direction, textAlign, textOverflow }
        })
    await page.locator('.me').click()
    await page.getByRole('menuitem', { name: 'Settings' }).click()
    await page.getByRole('dialog').getByRole('combobox').first().selectOption('ar')
    await page.keyboard.press('Escape')
    await expect.poll(() => page.locator('html').getAttribute('dir')).toBe('rtl')

    const aligned = { textAlign: 'right', textOverflow: 'ellipsis' }
    expect(await styles(long)).toEqual({ direction: 'ltr', ...aligned })
    expect(await styles('غرفة طويلة')).toEqual({ direction: 'rtl', ...aligned })
    await page.locator('.me').click()
    await page.getByRole('menuitem', { name: 'الإعدادات' }).click()
    await page.getByRole('dialog').getByRole('combobox').first().selectOption('en')
    await page.keyboard.press('Escape')
  })
})

describe('an archived room', { timeout: 60_000 }, () => {
  it('is listed for its owner, who can restore it', async () => {
    const { page } = alice
    const room = (await createRoom(page, 'public')) as RoomId
    await typeMessage(page, 'before the archive')
    await page.getByRole('button', { name: 'Members', exact: true }).click()
    await page.getByRole('button', { name: 'Archive room' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Archive room' }).click()
    await page.getByRole('link', { name: room }).waitFor({ state: 'detached' })

    await page.getByRole('button', { name: 'Browse rooms' }).first().click()
    await page.getByRole('dialog').getByText('Archived rooms').click()
    await page.getByRole('button', { name: `Restore ${room}` }).click()

    await page.getByRole('heading', { level: 1, name: room }).waitFor()
    await message(page, 'before the archive').waitFor()
  })
})

describe('a logout', { timeout: 60_000 }, () => {
  it('is confirmed by a text on the sign-in page until the next reload', async () => {
    const { page } = await fixture.open('alice')

    await logOut(page)

    await page.getByText('You’re logged out.').waitFor()
    await page.getByRole('button', { name: 'Log in' }).waitFor()
    await page.reload()
    await page.getByText('Fast, private and reliable chat for your team.').waitFor()
    await logIn(page, fixture.urls.web, 'alice')
    await page.context().close()
  })
})
