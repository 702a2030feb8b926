import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type ClientFixture,
  confirm,
  createClientFixture,
  expectAccessible,
  expectNoProblems,
  goTo,
  makeRoom,
  message,
  runAction,
  typeMessage,
  type Visitor,
} from '../support/client-fixture.ts'

let ground: ClientFixture
let alice: Visitor
let bob: Visitor
let charlie: Visitor

beforeAll(async () => {
  ground = await createClientFixture()
  alice = await ground.open('alice')
  bob = await ground.open('bob')
  charlie = await ground.open('charlie')
}, 120_000)
afterAll(() => ground?.[Symbol.asyncDispose]())

/** A room of alice's that bob is in as well, open before both. */
async function givenRoom(kind: 'public' | 'private' = 'private'): Promise<string> {
  const room = await makeRoom(alice.page, kind)
  await alice.page.getByRole('button', { name: 'Members' }).click()
  await alice.page.getByRole('button', { name: 'Invite people' }).click()
  await alice.page.getByLabel('Search people by name').fill('bob')
  await alice.page.getByRole('option', { name: /@bob/ }).click()
  await alice.page.getByRole('listitem').filter({ hasText: 'Bob Brown' }).waitFor()
  await alice.page.getByRole('button', { name: 'Close' }).click()
  await bob.page.getByRole('link', { name: room }).click()
  await bob.page.locator('#composer').waitFor()
  return room
}

/** Opens what can be done about somebody of the room. */
async function about(page: Page, name: string) {
  const members = page.getByRole('region', { name: 'Members' })
  await members.getByRole('listitem').filter({ hasText: name }).hover()
  await members.getByRole('button', { name: `Options for ${name}` }).click()
}

describe('the chat in a browser', { timeout: 60_000 }, () => {
  it('shows at once what somebody else says, and who', async () => {
    await givenRoom()

    await typeMessage(alice.page, 'Good morning, bob')

    const heard = message(bob.page, 'Good morning, bob')
    await heard.getByText('Alice Adams').waitFor()
    await expectNoProblems(alice)
    await expectNoProblems(bob)
  })

  it('keeps a private room from whoever is not in it: nothing comes over their wire', async () => {
    const room = await givenRoom()
    const secret = `secret-${crypto.randomUUID()}`

    await typeMessage(alice.page, secret)
    await message(bob.page, secret).waitFor()
    await goTo(charlie.page, ground.urls.web, room)

    await charlie.page.getByText('This room doesn’t exist, or you’re not a member.').waitFor()
    expect(charlie.frames.join('\n')).not.toContain(secret)
    expect(charlie.frames.join('\n')).not.toContain('Good morning')
    expect(bob.frames.join('\n')).toContain(secret)
  })

  it('edits, reacts to and deletes what was said, for everybody', async () => {
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

  it('edits the last message of one’s own by arrow up, by keys alone', async () => {
    await givenRoom()
    const { keyboard } = alice.page
    await alice.page.locator('#composer').focus()
    await keyboard.type('by keys')
    await keyboard.press('Enter')

    // Also where the room does not have it yet.
    await keyboard.press('ArrowUp')
    await expect.poll(() => alice.page.locator('#composer').inputValue()).toBe('by keys')
    await keyboard.type(' alone')
    await keyboard.press('Enter')

    await message(bob.page, 'by keys alone').waitFor()
  })

  it('answers in a thread beside the room', async () => {
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

  it('sends what was written without a connection when it is back, and says what came meanwhile', async () => {
    await givenRoom()
    await bob.page.context().setOffline(true)
    await typeMessage(alice.page, 'are you there?')
    await message(alice.page, 'are you there?').waitFor()

    await bob.page.context().setOffline(false)

    await message(bob.page, 'are you there?').waitFor({ timeout: 30_000 })
  })

  it('keeps a draft over a reload', async () => {
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

  it('goes on with an edit after a reload, and has the draft back when that ends', async () => {
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

  it('says so when something that was pressed did not reach the server', async () => {
    await givenRoom()
    await typeMessage(alice.page, 'out of reach')
    await message(bob.page, 'out of reach').hover()
    await bob.page.context().setOffline(true)
    await message(bob.page, 'out of reach').getByRole('button', { name: 'React' }).click()
    await bob.page.getByRole('button', { name: '🎉' }).click()

    const note = bob.page.getByText('Can’t reach the server')
    await note.waitFor({ timeout: 15_000 })
    await bob.page.context().setOffline(false)
    await bob.page.getByText('Connection lost').waitFor({ state: 'detached' })
  })

  it('shows nothing more of a room to whoever was removed from it', async () => {
    const room = await givenRoom()
    await alice.page.getByRole('button', { name: 'Members' }).click()
    await about(alice.page, 'Bob Brown')
    await alice.page.getByRole('menuitem', { name: 'Remove' }).click()
    await confirm(alice.page, 'Remove')

    await bob.page.getByText(`You were removed from ${room}.`).waitFor()
    expect(await bob.page.getByRole('link', { name: room }).count()).toBe(0)
  })

  it('has a room renamed, and somebody in it given another role, before everybody’s eyes', async () => {
    const room = await givenRoom()
    await alice.page.getByRole('button', { name: 'Room options' }).click()
    await alice.page.getByRole('menuitem', { name: 'Rename room' }).click()
    const dialog = alice.page.getByRole('dialog', { name: 'Rename room' })
    await dialog.getByLabel('Name').fill(`${room}, renamed`)
    await dialog.getByRole('button', { name: 'Save' }).click()
    await bob.page.getByRole('heading', { level: 1, name: `${room}, renamed` }).waitFor()

    await alice.page.getByRole('button', { name: 'Members', exact: true }).click()
    await about(alice.page, 'Bob Brown')
    await alice.page.getByRole('menuitemradio', { name: 'guest' }).click()

    await bob.page.getByText('You don’t have permission to post in this room.').waitFor()
    const members = alice.page.getByRole('region', { name: 'Members' })
    await members
      .getByRole('listitem')
      .filter({ hasText: 'Bob Brown' })
      .getByText('guest')
      .waitFor()
  })

  it('lets somebody without a role read and not write', async () => {
    const room = await makeRoom(alice.page, 'public')
    await typeMessage(alice.page, 'for all to read')
    await goTo(charlie.page, ground.urls.web, room)
    await charlie.page.getByRole('button', { name: 'Join room' }).click()

    await message(charlie.page, 'for all to read').waitFor()
    expect(await charlie.page.locator('#composer').count()).toBe(0)
    await charlie.page.getByText('You don’t have permission to post in this room.').waitFor()
  })

  it('fits a phone', async () => {
    const room = await givenRoom()
    await typeMessage(alice.page, 'how does it look?')
    const phone = await ground.open('bob', { viewport: { width: 390, height: 844 } })
    await phone.page.getByRole('link', { name: room }).click()

    await message(phone.page, 'how does it look?').waitFor()
    const widths = await phone.page.evaluate(() => [document.body.scrollWidth, window.innerWidth])
    expect(widths[0]).toBeLessThanOrEqual(widths[1] ?? 0)
    await phone.page.context().close()
  })

  it.each(['light', 'dark'] as const)(
    'has no serious fault for people with disabilities, %s',
    async (colorScheme) => {
      await givenRoom()
      await typeMessage(alice.page, 'See **this** and `that`, @bob, please')
      await message(bob.page, 'See').waitFor()
      await bob.page.emulateMedia({ colorScheme })

      await expectAccessible(bob.page)
    },
  )

  it('runs under a policy that lets no inline script in, and keeps no token where others look', async () => {
    const policy = (await fetch(ground.urls.web)).headers.get('content-security-policy') ?? ''
    const kept = await alice.page.evaluate(() =>
      JSON.stringify([{ ...localStorage }, { ...sessionStorage }]),
    )

    expect(policy).not.toContain('unsafe')
    expect(kept).not.toMatch(/eyJ[\w-]+\.eyJ/)
  })
})
