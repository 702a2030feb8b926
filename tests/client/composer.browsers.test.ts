import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { useClientFixture } from '../support/client-fixture.ts'
import { pressInComposition } from '../support/composition.ts'
import { canDrive, type DrivenBrowser, startDrivenBrowser } from '../support/driven-browser.ts'
import { logInToRoom, waitForElement } from '../support/driven-login.ts'
import type { TestUser } from '../support/test-user.ts'

let alice: TestUser
let bob: TestUser

const fixture = useClientFixture({
  env: { RATE_LIMIT_FACTOR: '100' },
  async setUp({ connect }) {
    alice = await connect('alice')
    bob = await connect('bob')
  },
})

const browsers = [
  { name: 'Firefox', isSkipped: !(await canDrive('Firefox')) },
  { name: 'WebKitGTK', isSkipped: !(await canDrive('WebKitGTK')) },
] as const

describe.each(browsers)('the composer in $name', { timeout: 60_000 }, ({ name, isSkipped }) => {
  if (isSkipped) return it.skip('is not tested, because the browser cannot be installed here')
  let browser: DrivenBrowser
  let room: string

  beforeAll(async () => {
    browser = await startDrivenBrowser(name)
    room = `room-${crypto.randomUUID().slice(0, 8)}`
    await alice.client.call('room.create', { room, name: room, kind: 'public' })
    await bob.client.call('room.join', { room })
    await logInToRoom(browser, `${fixture.urls.web}/r/${room}`)
  }, 300_000)
  afterAll(() => browser?.[Symbol.asyncDispose]())

  const text = () =>
    browser.run(() => document.querySelector<HTMLTextAreaElement>('#composer')?.value)

  const clear = () =>
    browser.run(() => {
      const field = document.querySelector<HTMLTextAreaElement>('#composer')
      field?.focus()
      field?.select()
      document.execCommand('delete')
    })

  const waitForMessage = (wanted: string) =>
    vi.waitUntil(
      () =>
        browser.run(
          (expected) =>
            [...document.querySelectorAll('article .message-text')].at(-1)?.textContent ===
            expected,
          wanted,
        ),
      { timeout: 10_000, interval: 100 },
    )

  it('inserts a line break on Shift+Enter, and sends on Enter', async () => {
    await clear()
    await browser.press(...'one', 'Shift+Enter', ...'two')
    expect(await text()).toBe('one\ntwo')

    await browser.press('Enter')

    await waitForMessage('onetwo')
    expect(await text()).toBe('')
  })

  it('keeps the caret in its place while the user types within the text', async () => {
    await clear()
    await browser.press(...'ad', 'ArrowLeft', 'b', 'c')

    expect(await text()).toBe('abcd')
  })

  it.each(['before-end', 'after-end'] as const)(
    'does not send when Enter is handled by an input method (keydown relative to compositionend: %s)',
    async (order) => {
      await clear()
      await browser.press(...'nihon')

      await browser.run(pressInComposition, { key: 'Enter', order })
      expect(await text()).toBe('nihon')

      await browser.press('!', 'Enter')
      await waitForMessage('nihon!')
    },
  )

  it('inserts a suggested member with Enter', async () => {
    await clear()
    await browser.press(...'@bro')
    await waitForElement(browser, '[role=option]')

    await browser.press('Enter')

    expect(await text()).toBe('@bob ')
  })

  it('replaces a complete emoji name, such as :tada:, by the emoji', async () => {
    await clear()
    await browser.press(...'so :tada:')

    await vi.waitUntil(async () => (await text()) === 'so 🎉', { timeout: 10_000 })
  })

  it('makes the selected text bold on Ctrl+B, and can undo it', async () => {
    await clear()
    await browser.press(...'bold')
    await browser.run(() => document.querySelector<HTMLTextAreaElement>('#composer')?.select())

    await browser.press('Control+b')
    expect(await text()).toBe('**bold**')
    // The test browser of WebKitGTK has no keyboard shortcut for undo, so the test calls
    // `execCommand`.
    await browser.run(() => document.execCommand('undo'))
    expect(await text()).toBe('bold')
  })

  it('edits the last message after the Arrow Up key, and discards the edit on Escape', async () => {
    await clear()
    await browser.press(...'1986. A great year', 'Enter')
    await waitForMessage('A great year')
    expect(
      await browser.run(() => {
        const item = [...document.querySelectorAll('article li')].at(-1)
        return item && getComputedStyle(item).listStyleType
      }),
    ).toBe('"1986. "')

    await browser.press('ArrowUp')
    await vi.waitUntil(async () => (await text()) === '1986. A great year')
    await browser.press('Escape')

    expect(await text()).toBe('')
  })
})
