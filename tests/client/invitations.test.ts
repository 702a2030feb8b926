import { describe, expect, it } from 'vitest'
import type { RoomId, UserId } from '#schema/ids'
import {
  expectAccessible,
  expectNoProblems,
  message,
  useClientFixture,
  type Visitor,
} from '../support/client-fixture.ts'
import type { TestUser } from '../support/test-user.ts'

let alice: Visitor
let bob: TestUser

useClientFixture({
  // Bob's first message is a message request only if he and alice share no room, such as a default
  // room.
  env: { DEFAULT_ROOMS: '' },
  async setUp({ open, connect }) {
    bob = await connect('bob')
    alice = await open('alice')
  },
})

const listIn = ({ page }: Visitor) => page.getByRole('region', { name: 'Invitations' })

async function invite(): Promise<string> {
  const room = `room-${crypto.randomUUID()}` as RoomId
  await bob.client.call('room.create', { room, name: room, kind: 'private' })
  await bob.client.call('room.invite', { room, userId: 'alice' })
  return room
}

describe('the list of invitations', { timeout: 60_000 }, () => {
  // Must be the first test: after the other tests, alice and bob share a room. Bob's message would
  // then be no message request.
  it('shows a message request, which the page title does not count, until the user accepts it', async () => {
    const { page } = alice
    const { room } = await bob.client.call('room.direct', { with: 'alice' as UserId })
    await bob.send(room.id, 'Do you have a minute?')

    await listIn(alice)
      .getByRole('link', { name: /^Bob Brown/ })
      .click()

    await page.getByText('Bob Brown wants to send you messages.').waitFor()
    await message(page, 'Do you have a minute?').waitFor()
    expect(await page.locator('#composer').count()).toBe(0)
    expect(await page.title()).not.toContain('(')
    await expectAccessible(page)

    await page.getByRole('button', { name: 'Accept' }).click()

    await page.locator('#composer').waitFor()
    await listIn(alice).waitFor({ state: 'detached' })
    await page.getByRole('region', { name: 'Direct messages' }).getByText('Bob Brown').waitFor()
  })

  it('opens the room of an invitation that the user accepts', async () => {
    const { page } = alice
    const room = await invite()
    const invitation = listIn(alice).getByRole('listitem').filter({ hasText: room })

    await invitation.getByText('Invited by Bob Brown').waitFor()
    await expectAccessible(page)
    await invitation.getByRole('button', { name: 'Accept' }).click()

    await page.getByRole('heading', { level: 1, name: room }).waitFor()
    await page.locator('#composer').waitFor()
    await invitation.waitFor({ state: 'detached' })
  })

  it('no longer shows a declined invitation, even if the user is invited again', async () => {
    const room = await invite()
    const invitation = listIn(alice).getByRole('listitem').filter({ hasText: room })
    await invitation.getByRole('button', { name: 'Decline' }).click()
    await invitation.waitFor({ state: 'detached' })

    await bob.client.call('room.invite', { room: room as RoomId, userId: 'alice' })
    const next = await invite()

    await listIn(alice).getByText(next).waitFor()
    expect(await invitation.count()).toBe(0)
  })
})

describe('a blocked user', { timeout: 60_000 }, () => {
  it('is not listed in direct messages, and can be unblocked in the direct room', async () => {
    const { page } = alice
    const directs = page.getByRole('region', { name: 'Direct messages' })
    await directs.getByText('Bob Brown').click()
    await page
      .getByRole('log')
      .getByRole('button', { name: /Bob Brown/ })
      .first()
      .click()
    await page.getByRole('button', { name: 'Block', exact: true }).click()
    await page.keyboard.press('Escape')

    await page.getByText('You’ve blocked Bob Brown.').waitFor()
    expect(await directs.getByText('Bob Brown').count()).toBe(0)
    await page.getByRole('button', { name: 'Unblock', exact: true }).click()

    await directs.getByText('Bob Brown').waitFor()
    await page.locator('#composer').waitFor()
    await expectNoProblems(alice)
  })
})
