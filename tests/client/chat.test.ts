import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import {
  confirm,
  createRoom,
  expectAccessible,
  expectNoProblems,
  goTo,
  message,
  runAction,
  typeMessage,
  useClientFixture,
  type Visitor,
} from '../support/client-fixture.ts'
import { createTestUser } from '../support/test-user.ts'

let alice: Visitor
let bob: Visitor
let charlie: Visitor

const fixture = useClientFixture({
  async setUp({ open }) {
    alice = await open('alice')
    bob = await open('bob')
    charlie = await open('charlie')
  },
})

/** Returns the room id without the random suffix that the id of a private room has. */
const nameOf = (room: string) => room.slice(0, 'room-12345678'.length)

async function givenRoom(kind: 'public' | 'private' = 'private'): Promise<string> {
  const room = await createRoom(alice.page, kind)
  await alice.page.getByRole('button', { name: 'Members' }).click()
  await alice.page.getByRole('button', { name: 'Invite people' }).click()
  await alice.page.getByLabel('Search people by name').fill('bob')
  await alice.page.getByRole('option', { name: /@bob/ }).click()
  await alice.page.getByRole('button', { name: 'Close' }).click()
  const invitations = bob.page.getByRole('region', { name: 'Invitations' }).getByRole('listitem')
  const invitation = invitations.filter({ hasText: nameOf(room) })
  await invitation.getByRole('button', { name: 'Accept' }).click()
  await bob.page.getByRole('heading', { level: 1, name: nameOf(room) }).waitFor()
  await bob.page.locator('#composer').waitFor()
  return room
}

async function openMemberMenu(page: Page, name: string) {
  const members = page.getByRole('region', { name: 'Members' })
  await members.getByRole('listitem').filter({ hasText: name }).hover()
  await members.getByRole('button', { name: `Options for ${name}` }).click()
}

describe('the chat in a browser', { timeout: 60_000 }, () => {
  it('shows a new message with the name of its sender', async () => {
    await givenRoom()

    await typeMessage(alice.page, 'Good morning, bob')

    const received = message(bob.page, 'Good morning, bob')
    await received.getByText('Alice Adams').waitFor()
    await expectNoProblems(alice)
    await expectNoProblems(bob)
  })

  it('sends no data of a private room to a non-member', async () => {
    const room = await givenRoom()
    const secret = `secret-${crypto.randomUUID()}`

    await typeMessage(alice.page, secret)
    await message(bob.page, secret).waitFor()
    await goTo(charlie.page, fixture.urls.web, room)

    await charlie.page.getByText('This room doesn’t exist, or you’re not a member.').waitFor()
    expect(charlie.frames.join('\n')).not.toContain(secret)
    expect(charlie.frames.join('\n')).not.toContain('Good morning')
    expect(bob.frames.join('\n')).toContain(secret)
  })

  it('shows an edit, a reaction and a deletion to all members', async () => {
    await givenRoom()
    await typeMessage(alice.page, 'a frist draft')
    await message(bob.page, 'a frist draft').waitFor()

    await runAction(alice.page, 'a frist draft', 'Edit')
    await expect.poll(() => alice.page.locator('#composer').inputValue()).toBe('a frist draft')
    await alice.page.locator('#composer').fill('a first draft')
    await alice.page.locator('#composer').press('Enter')
    await message(bob.page, 'a first draft').waitFor()

    await message(bob.page, 'a first draft').hover()
    await message(bob.page, 'a first draft').getByRole('button', { name: 'React' }).click()
    await bob.page.getByRole('button', { name: '🎉' }).click()
    const reaction = message(alice.page, 'a first draft').getByRole('button', { name: /🎉 1 by/ })
    await reaction.hover()
    expect(await alice.page.getByRole('tooltip').textContent()).toBe('Bob Brown')

    await runAction(alice.page, 'a first draft', 'Delete')
    await alice.page.getByRole('dialog').getByText('a first draft').waitFor()
    await confirm(alice.page, 'Delete')
    await bob.page.getByText('This message was deleted.').waitFor()
    expect(await message(bob.page, 'a first draft').count()).toBe(0)
  })

  it('edits the user’s last message after the Arrow Up key', async () => {
    await givenRoom()
    const { keyboard } = alice.page
    await alice.page.locator('#composer').focus()
    await keyboard.type('by keys')
    await keyboard.press('Enter')

    // The key works even before the server has confirmed the message.
    await keyboard.press('ArrowUp')
    await expect.poll(() => alice.page.locator('#composer').inputValue()).toBe('by keys')
    await keyboard.type(' alone')
    await keyboard.press('Enter')

    await message(bob.page, 'by keys alone').waitFor()
  })

  it('shows a reply in the thread panel', async () => {
    await givenRoom()
    await typeMessage(alice.page, 'shall we?')
    await message(bob.page, 'shall we?').hover()
    await message(bob.page, 'shall we?').getByRole('button', { name: 'Reply in thread' }).click()
    await bob.page.locator('#thread-composer').fill('we shall')
    await bob.page.locator('#thread-composer').press('Enter')

    await message(alice.page, 'shall we?')
      .getByRole('button', { name: /1 repl/ })
      .click()

    const thread = alice.page.getByRole('region', { name: 'Thread' })
    await thread.getByRole('article').filter({ hasText: 'we shall' }).waitFor()
  })

  it('receives the messages that were sent while the browser was offline', async () => {
    await givenRoom()
    await bob.page.context().setOffline(true)
    await typeMessage(alice.page, 'are you there?')
    await message(alice.page, 'are you there?').waitFor()

    await bob.page.context().setOffline(false)

    await message(bob.page, 'are you there?').waitFor({ timeout: 30_000 })
  })

  it('restores a draft after a reload', async () => {
    await givenRoom()
    await bob.page.locator('#composer').fill('not finished y')
    await bob.page.locator('#composer').press('e')

    await bob.page.reload()

    await expect
      .poll(
        () =>
          bob.page
            .locator('#composer')
            .inputValue()
            .catch(() => ''),
        { timeout: 10_000 },
      )
      .toBe('not finished ye')
    await bob.page.locator('#composer').fill('')
  })

  it('continues an edit after a reload, and restores the draft once the edit is saved', async () => {
    await givenRoom()
    const composer = alice.page.locator('#composer')
    await typeMessage(alice.page, 'almost right')
    await message(bob.page, 'almost right').waitFor()
    await composer.fill('a draft')
    await runAction(alice.page, 'almost right', 'Edit')
    await composer.fill('quite right')

    await alice.page.reload()

    await expect.poll(() => composer.inputValue()).toBe('quite right')
    await composer.press('Enter')
    await message(bob.page, 'quite right').waitFor()
    await expect.poll(() => composer.inputValue()).toBe('a draft')
    await composer.fill('')
  })

  it('shows a toast when an action does not reach the server', async () => {
    await givenRoom()
    await typeMessage(alice.page, 'out of reach')
    await message(bob.page, 'out of reach').hover()
    await bob.page.context().setOffline(true)
    await message(bob.page, 'out of reach').getByRole('button', { name: 'React' }).click()
    await bob.page.getByRole('button', { name: '🎉' }).click()

    const toast = bob.page.getByText('Can’t reach the server')
    await toast.waitFor({ timeout: 15_000 })
    await bob.page.context().setOffline(false)
    await bob.page.getByText('Connection lost').waitFor({ state: 'detached' })
  })

  it('closes the room in the page of a member who is removed', async () => {
    const room = await givenRoom()
    await alice.page.getByRole('button', { name: 'Members' }).click()
    await openMemberMenu(alice.page, 'Bob Brown')
    await alice.page.getByRole('menuitem', { name: 'Remove' }).click()
    await confirm(alice.page, 'Remove')

    await bob.page.getByText(`You were removed from ${nameOf(room)}.`).waitFor()
    expect(await bob.page.getByRole('link', { name: nameOf(room) }).count()).toBe(0)
  })

  it('shows a new room name and a new role to other members at once', async () => {
    const room = await givenRoom()
    await alice.page.getByRole('button', { name: 'Room options' }).click()
    await alice.page.getByRole('menuitem', { name: 'Rename room' }).click()
    const dialog = alice.page.getByRole('dialog', { name: 'Rename room' })
    await dialog.getByLabel('Name').fill(`${room}, renamed`)
    await dialog.getByRole('button', { name: 'Save' }).click()
    await bob.page.getByRole('heading', { level: 1, name: `${room}, renamed` }).waitFor()

    await alice.page.getByRole('button', { name: 'Members', exact: true }).click()
    await openMemberMenu(alice.page, 'Bob Brown')
    await alice.page.getByRole('menuitemradio', { name: 'guest' }).click()

    await bob.page.getByText('You don’t have permission to post in this room.').waitFor()
    const members = alice.page.getByRole('region', { name: 'Members' })
    await members
      .getByRole('listitem')
      .filter({ hasText: 'Bob Brown' })
      .getByText('guest')
      .waitFor()
  })

  it('lets a user without the realm role `user` read, but not write', async () => {
    const room = await createRoom(alice.page, 'public')
    await typeMessage(alice.page, 'for all to read')
    await goTo(charlie.page, fixture.urls.web, room)
    await charlie.page.getByRole('button', { name: 'Join room' }).click()

    await message(charlie.page, 'for all to read').waitFor()
    expect(await charlie.page.locator('#composer').count()).toBe(0)
    await charlie.page.getByText('You don’t have permission to post in this room.').waitFor()
  })

  it('shows a room within the width of a phone', async () => {
    const room = await createRoom(alice.page, 'public')
    await using bobUser = await createTestUser(fixture.urls, 'bob')
    await bobUser.client.call('room.join', { room })
    await typeMessage(alice.page, 'how does it look?')
    const viewport = { width: 390, height: 844 }
    const phone = await fixture.open('bob', { viewport, hasTouch: true, isMobile: true })
    const item = phone.page.getByRole('listitem').filter({ hasText: nameOf(room) })
    await item.locator('.badge').waitFor()
    // On a phone, the row hides its menu button, which would cover the number of unread messages.
    // The header of the open room has the same menu.
    expect(await item.locator('.room-more').isVisible()).toBe(false)
    await item.getByRole('link').click()

    await message(phone.page, 'how does it look?').waitFor()
    const widths = await phone.page.evaluate(() => [document.body.scrollWidth, window.innerWidth])
    expect(widths[0]).toBeLessThanOrEqual(widths[1] ?? 0)
    await phone.page.context().close()
  })

  it.each(['light', 'dark'] as const)(
    'has no serious accessibility violation in the %s theme',
    async (colorScheme) => {
      await givenRoom()
      await typeMessage(alice.page, 'See **this** and `that`, @bob, please')
      await message(bob.page, 'See').waitFor()
      await bob.page.emulateMedia({ colorScheme })

      await expectAccessible(bob.page)
    },
  )

  it('has a content security policy without unsafe sources, and stores no token in web storage', async () => {
    const policy = (await fetch(fixture.urls.web)).headers.get('content-security-policy') ?? ''
    const stored = await alice.page.evaluate(() =>
      JSON.stringify([{ ...localStorage }, { ...sessionStorage }]),
    )

    expect(policy).not.toContain('unsafe')
    expect(stored).not.toMatch(/eyJ[\w-]+\.eyJ/)
  })
})
