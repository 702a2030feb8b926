import { connect } from '@nats-io/transport-node'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createRequester } from '#runtime/client'
import {
  expectAccessible,
  expectNoProblems,
  useClientFixture,
  type Visitor,
} from '../support/client-fixture.ts'
import type { TestUser } from '../support/test-user.ts'

const propertyNames = ['__proto__', 'constructor', 'prototype']

let alice: Visitor
let bob: TestUser

const fixture = useClientFixture({
  env: { RATE_LIMIT_FACTOR: '100' },
  async setUp({ open, connect }) {
    bob = await connect('bob')
    alice = await open('alice')
  },
})

/** Connects as an operator, who may call functions as any user, even as one who cannot log in. */
async function connectOperator() {
  const { username, password, host } = new URL(fixture.urls.opsUrl)
  const nc = await connect({ servers: host, user: username, pass: password })
  onTestFinished(() => nc.close())
  const requester = createRequester(nc)
  return async (user: string, subject: string, payload: object) => {
    const request = [`as.${user}.${subject}`, JSON.stringify(payload)] as const
    const reply = await requester.request(...request, { timeoutMs: 5_000 })
    expect(reply.headers?.get('Nats-Service-Error')).toBeFalsy()
  }
}

describe('the page, with unusual names,', { timeout: 60_000 }, () => {
  it('changes the display name, rejects a name that looks like another user’s, and restores the original name', async () => {
    const { page } = alice
    const openSettings = async () => {
      await page.getByRole('button', { name: /^A.*(Online|Away)/ }).click()
      await page.getByRole('menuitem', { name: 'Settings' }).click()
      return page.getByRole('dialog', { name: 'Settings' })
    }
    const dialog = await openSettings()
    const save = async (name: string) => {
      await dialog.getByLabel('Display name').fill(name)
      await dialog.getByRole('button', { name: 'Save' }).click()
    }
    const problem = dialog.getByRole('alert')

    await save('Вob Brown')
    await problem.filter({ hasText: 'Another person has this name' }).waitFor()
    await save('A\u202edams')
    await problem.filter({ hasText: 'can’t be shown' }).waitFor()
    await save('\u3164')
    await problem.filter({ hasText: 'can’t be shown' }).waitFor()

    await save('Al علی\u200cرضا 👨\u200d👩\u200d👧')
    await problem.waitFor({ state: 'detached' })
    const me = page.locator('.me-name')
    await me.filter({ hasText: 'Al علی\u200cرضا 👨\u200d👩\u200d👧' }).waitFor()
    await expectAccessible(page)
    await dialog.getByRole('button', { name: 'Use Alice Adams again' }).click()
    await me.filter({ hasText: 'Alice Adams' }).waitFor()
    await page.keyboard.press('Escape')
    await expectNoProblems(alice)
  })

  it('accepts zero-width non-joiners in the name of a room, and says why it rejects zero-width spaces', async () => {
    const { page } = alice
    const name = `تیم\u200cها ${crypto.randomUUID().slice(0, 8)}`
    await page.getByRole('button', { name: 'Create room' }).click()
    const dialog = page.getByRole('dialog', { name: 'Create room' })

    await dialog.getByLabel('Name').fill('a\u200bb')
    await dialog.getByRole('button', { name: 'Create room' }).click()
    await dialog.getByRole('alert').filter({ hasText: 'can’t be shown' }).waitFor()
    await dialog.getByLabel('Name').fill(name)
    await dialog.getByRole('button', { name: 'Create room' }).click()

    await page.getByRole('heading', { level: 1, name }).waitFor()
    await expectNoProblems(alice)
  })

  it('shows the presence of users whose ids are names of JavaScript properties', async () => {
    const room = `room-${crypto.randomUUID().slice(0, 8)}`
    await bob.client.call('room.create', { room, name: room, kind: 'public' })
    await fixture.inviteAndJoin(room, 'alice', bob)
    const callAs = await connectOperator()
    for (const user of propertyNames) {
      await callAs(user, `room.join.${room}`, {})
      await callAs(user, 'presence.heartbeat', { connId: 'tab' })
    }
    const { page } = alice
    await page.getByRole('link', { name: room }).click()
    await page.getByRole('button', { name: 'Members', exact: true }).click()
    const members = page.getByRole('region', { name: 'Members' }).getByRole('listitem')

    for (const user of propertyNames)
      await members.filter({ hasText: user }).filter({ hasText: 'Online' }).waitFor()
    await callAs('constructor', 'presence.disconnect', { connId: 'tab' })
    await members.filter({ hasText: 'constructor' }).filter({ hasText: 'Offline' }).waitFor()
    await expectNoProblems(alice)
  })

  it.each(propertyNames)('shows a room with the id %s and its unread messages', async (room) => {
    const name = `Room ${crypto.randomUUID().slice(0, 8)}`
    await bob.client.call('room.create', { room, name, kind: 'public' })
    await fixture.inviteAndJoin(room, 'alice', bob)
    const { page } = alice
    const link = page.getByRole('link', { name })
    await link.waitFor()

    await bob.send(room, 'hello @alice')
    await link.filter({ hasText: '1' }).waitFor()
    await link.click()
    await page.getByRole('heading', { level: 1, name }).waitFor()
    await page.getByText('hello').last().waitFor()
    await bob.client.call('room.rename', { room, name: `${name} new` })
    await page.getByRole('heading', { level: 1, name: `${name} new` }).waitFor()
    await expectNoProblems(alice)
  })
})
