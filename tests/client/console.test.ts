import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, describe, expect, it } from 'vitest'
import {
  createRoom,
  expectAccessible,
  expectNoProblems,
  message,
  runAction,
  typeMessage,
  useClientFixture,
  type Visitor,
} from '../support/client-fixture.ts'
import { writeDeadLetter } from '../support/dead-letters.ts'

/** An administrator. */
let alice: Visitor
let bob: Visitor
let functions: NatsConnection

const fixture = useClientFixture({
  env: { NATTER_RUNTIMES: '2' },
  async setUp({ open, stateDir, urls }) {
    alice = await open('alice')
    bob = await open('bob')
    const secrets = await readFile(join(stateDir, 'secrets.json'), 'utf8')
    const { functionsPassword: pass } = JSON.parse(secrets)
    functions = await connect({ servers: urls.nats, user: 'functions', pass })
  },
})
afterAll(() => functions?.close())

async function openConsole(part = 'Functions') {
  const { page } = alice
  await page.getByRole('link', { name: 'Console', exact: true }).click()
  await page.getByRole('link', { name: part, exact: true }).click()
  return page.getByRole('region', { name: 'Console' })
}

async function givenDeadLetter(reason: string, payload?: string) {
  await createRoom(alice.page, 'private')
  await typeMessage(alice.page, 'something secret')
  await message(alice.page, 'something secret').waitFor()
  const jsm = await jetstreamManager(functions)
  const { state } = await jsm.streams.info('CHAT_MESSAGES')
  await writeDeadLetter(functions, state.last_seq, reason, payload)
}

describe('the console', { timeout: 60_000 }, () => {
  it('shows the running functions to an administrator, and updates their statistics', async () => {
    const console = await openConsole()
    const row = console.getByRole('row').filter({ hasText: /^room\.list/ })
    await row.getByRole('button', { name: 'room.list' }).click()

    const details = alice.page.getByRole('region', { name: 'Details of room.list' })
    const calls = details
      .locator('div')
      .filter({ hasText: /^Calls/ })
      .locator('dd')
    await details.getByText('as.{caller}.room.list').waitFor()
    const processes = details.getByRole('rowheader').filter({ hasText: /:\d+$/ })
    await expect.poll(() => processes.count()).toBe(2)
    const before = Number(await calls.textContent())
    await bob.page.reload()

    await expect.poll(async () => Number(await calls.textContent())).toBeGreaterThan(before)
    await row.getByRole('img', { name: /^Calls per second: now/ }).waitFor()
    await details.getByRole('button', { name: 'Close' }).click()
    await expectNoProblems(alice)
  })

  it('filters functions by name, and sorts by a column', async () => {
    const console = await openConsole()
    await console.getByLabel('Filter by name').fill('presence.')
    const names = console.getByRole('rowheader')
    await expect.poll(async () => (await names.first().textContent()) ?? '').toMatch(/^presence\./)

    await console.getByRole('button', { name: 'Function', exact: true }).click()

    await console.getByRole('columnheader', { name: 'Function' }).waitFor()
    const shown = await names.allTextContents()
    expect(shown.length).toBeGreaterThan(3)
    expect(shown).toEqual(shown.toSorted().toReversed())
    await console.getByLabel('Filter by name').fill('no such thing')
    await console.getByText('No functions found').waitFor()
    await console.getByLabel('Filter by name').fill('')
  })

  it('is hidden from users who are no administrators: no link, no page, and its code is not loaded', async () => {
    expect(await bob.page.getByRole('link', { name: 'Console' }).count()).toBe(0)

    await bob.page.goto(`${fixture.urls.web}/console/dead`)
    await bob.page.getByRole('heading', { name: 'Not found' }).waitFor()

    expect(await bob.page.getByRole('region', { name: 'Console' }).count()).toBe(0)
    const loaded = await bob.page.evaluate(() =>
      performance.getEntriesByType('resource').map(({ name }) => name),
    )
    expect(loaded.filter((name) => /\/Console-/.test(name))).toEqual([])
    await bob.page.goto(fixture.urls.web)
  })

  it('replays a dead letter after a confirmation', async () => {
    await givenDeadLetter('the database was full')
    const console = await openConsole('Dead letters')
    const letter = console.getByRole('listitem').filter({ hasText: 'the database was full' })
    await letter.waitFor()
    expect(await console.textContent()).not.toContain('something secret')

    await letter.getByRole('button', { name: 'Replay' }).click()
    const dialog = alice.page.getByRole('dialog', { name: 'Replay this dead letter?' })
    await dialog.getByRole('button', { name: 'Replay' }).click()

    await console.getByText('persist processed the dead letter.').waitFor()
    expect(await letter.count()).toBe(0)
  })

  it('shows why a replay failed, keeps that dead letter, and discards it on request', async () => {
    await givenDeadLetter('it was nonsense', '{"kind":"nonsense"}')
    const console = await openConsole('Dead letters')
    const letter = console.getByRole('listitem').filter({ hasText: 'it was nonsense' })

    await letter.getByRole('button', { name: 'Replay' }).click()
    const dialog = alice.page.getByRole('dialog')
    await dialog.getByRole('button', { name: 'Replay' }).click()
    await dialog.getByRole('alert').filter({ hasText: 'It failed again' }).waitFor()
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    await letter.waitFor()

    await letter.getByRole('button', { name: 'Discard' }).click()
    await alice.page.getByRole('dialog').getByRole('button', { name: 'Discard' }).click()
    await console.getByText('Dead letter discarded.').waitFor()
    expect(await letter.count()).toBe(0)
  })

  it('shows the spans of recent traces', async () => {
    await createRoom(alice.page, 'private')
    await typeMessage(alice.page, 'followed')
    await message(alice.page, 'followed').waitFor()
    const console = await openConsole('Traces')

    const trace = console.getByRole('button', { name: /Steps of send/ }).first()
    await trace.click()

    const steps = console.getByRole('list', { name: 'Steps of send' })
    await steps.getByText('log chat.{room}').waitFor()
    await steps.getByText('fanout').waitFor()
    await console.getByText('Failed', { exact: true }).click()
    await console
      .getByText(/No traces found|internal|unavailable/)
      .first()
      .waitFor()
  })

  it.each(['light', 'dark'] as const)(
    'has no serious accessibility violation in the %s theme',
    async (colorScheme) => {
      const { page } = alice
      await page.emulateMedia({ colorScheme })
      for (const part of ['Functions', 'Dead letters', 'Traces']) {
        const console = await openConsole(part)
        if (part === 'Functions') {
          await console.getByRole('button', { name: 'send', exact: true }).click()
          await page.getByRole('region', { name: 'Details of send' }).waitFor()
        }
        await expectAccessible(page)
      }
    },
  )
})

describe('the trace of a message', { timeout: 60_000 }, () => {
  it('shows each span with its time, if the sender of the message opens it', async () => {
    await createRoom(bob.page, 'private')
    await typeMessage(bob.page, 'where did it go?')
    await message(bob.page, 'where did it go?').waitFor()
    await expect
      .poll(async () => {
        await runAction(bob.page, 'where did it go?', 'Trace')
        const dialog = bob.page.getByRole('dialog', { name: 'Message trace' })
        await dialog.getByText('Stored in the log').waitFor()
        const text = (await dialog.textContent()) ?? ''
        await bob.page.keyboard.press('Escape')
        await dialog.waitFor({ state: 'detached' })
        return text
      })
      .toMatch(
        /Written, by your clock.*Persisted in the database.*send1\.0\.0.*log chat\.\{room\}.*persist/,
      )
    await expectNoProblems(bob)
  })
})
