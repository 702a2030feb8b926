import { Kvm } from '@nats-io/kv'
import { connect } from '@nats-io/transport-node'
import postgres from 'postgres'
import { describe, expect, it } from 'vitest'
import { createClient } from '#runtime/client'
import { contracts } from '#schema/contracts'
import type { RoomId } from '#schema/ids'
import type { AppId } from '#schema/messages/app'
import { roomEncrypted } from '#schema/messages/encrypted'
import { ROOMS_KV } from '#schema/streams'
import {
  expectNoProblems,
  message,
  useClientFixture,
  type Visitor,
} from '../support/client-fixture.ts'
import { createTestUser, type TestUser } from '../support/test-user.ts'

let alice: Visitor
let bob: TestUser

const fixture = useClientFixture({
  env: { RATE_LIMIT_FACTOR: '100' },
  async setUp({ open, connect }) {
    bob = await connect('bob')
    alice = await open('alice')
  },
})

async function givenLargeRoom(): Promise<string> {
  const room = `room-${crypto.randomUUID().slice(0, 8)}`
  await bob.client.call('room.create', { room, name: room, kind: 'private' })
  const crowd = Array.from({ length: 201 }, (_, number) => `crowd-${number}`)
  const sql = postgres(fixture.urls.databaseUrl, { max: 1 })
  await sql`insert into members (room, user_id, role) select ${room}, unnest(${crowd}::text[]), 'member'`
  await sql.end()
  await using nc = await connectFunctions()
  const index = await new Kvm(nc).open(ROOMS_KV.bucket)
  const member = JSON.stringify({ kind: 'private', role: 'member' })
  await Promise.all(crowd.map((user) => index.put(`${room}.${user}`, member)))
  await fixture.inviteAndJoin(room, 'alice', bob)
  return room
}

async function connectFunctions() {
  const { username, password, host } = new URL(fixture.urls.functionsUrl)
  const nc = await connect({ servers: host, user: username, pass: password })
  return Object.assign(nc, { [Symbol.asyncDispose]: () => nc.close() })
}

/**
 * Sends messages until at least two were encrypted: encryption begins some time after a room has
 * become large. Returns the texts of all messages.
 */
async function sendUntilEncrypted(room: string): Promise<string[]> {
  await using nc = await connectFunctions()
  const client = createClient(nc, { contracts })
  let encrypted = 0
  client.listen(roomEncrypted, {}, () => encrypted++)
  await nc.flush()
  const texts: string[] = []
  await expect
    .poll(
      async () => {
        texts.push(`message ${texts.length} of ${crypto.randomUUID().slice(0, 8)}`)
        await bob.send(room, texts.at(-1) as string)
        return encrypted
      },
      { timeout: 30_000, interval: 300 },
    )
    .toBeGreaterThan(1)
  return texts
}

describe('a room of more than 200 members', { timeout: 120_000 }, () => {
  it('shows each message once, before and after its events are encrypted, and after a key change', async () => {
    const room = await givenLargeRoom()
    const { page } = alice
    await page.getByRole('link', { name: room }).click()
    await page.getByRole('heading', { level: 1, name: room }).waitFor()

    const first = await sendUntilEncrypted(room)
    await using charlie = await createTestUser(fixture.urls, 'charlie')
    await fixture.inviteAndJoin(room, 'charlie', bob)
    await charlie.client.call('room.leave', { room })
    const second = await sendUntilEncrypted(room)

    await message(page, second.at(-1) as string).waitFor()
    const shown = await page.getByRole('article').allTextContents()
    for (const text of [...first, ...second])
      expect(shown.filter((each) => each.includes(text))).toHaveLength(1)

    // The page ignores bob's `typing` for a second after his last message, so call it repeatedly.
    await expect
      .poll(async () => {
        await bob.client.call('typing', { room })
        return page.getByText('Bob Brown is typing').count()
      })
      .toBe(1)
  })

  it('shows encrypted updates of an app', async () => {
    const room = await givenLargeRoom()
    const { page } = alice
    const app = 'poll' as AppId
    await bob.client.call('apps.install', { room, app })
    await page.getByRole('link', { name: room }).click()
    await page.getByRole('heading', { level: 1, name: room }).waitFor()
    await page.getByRole('button', { name: 'Room options' }).click()
    await page.getByRole('menuitem', { name: 'Apps' }).click()
    await page.getByRole('button', { name: 'Open Poll' }).click()
    const polls = page.frameLocator('iframe[title="Poll"]')
    await polls.getByRole('heading', { name: 'Polls' }).waitFor()
    await sendUntilEncrypted(room)
    const before = alice.frames.length

    const data = { id: crypto.randomUUID(), question: 'Where to?', options: ['North', 'South'] }
    await bob.client.call('app.action', { app, room, action: 'create', data })

    await polls.getByRole('group', { name: 'Where to?' }).waitFor()
    const plain = alice.frames.slice(before).filter((frame) => frame.includes('deliver.alice.app.'))
    expect(plain.filter((frame) => frame.includes('.updated'))).toEqual([])
  })

  it('counts a new message as unread after the page was reloaded in another room', async () => {
    const room = await givenLargeRoom()
    const { page } = alice
    const link = page.getByRole('link', { name: room })
    await sendUntilEncrypted(room)
    await link.click()
    await page.getByRole('heading', { level: 1, name: room }).waitFor()
    await using reader = await createTestUser(fixture.urls, 'alice')
    const mine = async () =>
      (await reader.client.call('room.list', {})).rooms.find(({ id }) => id === room)
    await reader.client.call('read.update', {
      room: room as RoomId,
      seq: (await mine())?.lastSeq ?? 0,
    })
    await expect.poll(async () => (await mine())?.unread).toBe(0)
    await page.goto(`${fixture.urls.web}/r/general`)
    await link.waitFor()

    await bob.send(room, 'a last one')

    await link.getByText('1', { exact: true }).waitFor()
    await expectNoProblems(alice)
  })
})
