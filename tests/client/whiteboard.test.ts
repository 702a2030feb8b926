import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { FrameLocator, Page } from 'playwright-core'
import { beforeEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import type { RoomId } from '#schema/ids'
import type { AppId } from '#schema/messages/app'
import { clientFolder } from '../../stack/install/client.ts'
import {
  createRoom,
  expectAccessible,
  expectNoProblems,
  useClientFixture,
  type Visitor,
} from '../support/client-fixture.ts'
import type { TestUser } from '../support/test-user.ts'

const whiteboard = 'whiteboard' as AppId
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
let aliceApp: FrameLocator
let bobApp: FrameLocator

/** Alice owns the room and bob is a member of it. Both have opened the whiteboard. */
beforeEach(async () => {
  room = await createRoom(alice.page, 'private')
  await fixture.inviteAndJoin(room, 'bob', aliceClient)
  const name = (await alice.page.getByRole('heading', { level: 1 }).textContent()) ?? ''
  await bob.page.getByRole('link', { name }).click()
  await bob.page.getByRole('heading', { level: 1, name }).waitFor()
  await aliceClient.client.call('apps.install', { room, app: whiteboard })
  aliceApp = await openWhiteboard(alice.page)
  bobApp = await openWhiteboard(bob.page)
})

async function openWhiteboard(page: Page) {
  await page.getByRole('button', { name: 'Room options' }).click()
  await page.getByRole('menuitem', { name: 'Apps' }).click()
  await page.getByRole('button', { name: 'Open Whiteboard' }).click()
  const app = page.frameLocator('iframe[title="Whiteboard"]')
  await app.locator('.board[aria-busy="false"]').waitFor()
  return app
}

/** Drags the pointer between points of the board, given as fractions of its width and height. */
async function drag(page: Page, app: FrameLocator, ...points: [number, number][]) {
  const box = await app.getByRole('img', { name: 'Drawing' }).boundingBox()
  if (!box) throw new Error('The board is not visible')
  const [first, ...rest] = points.map(
    ([x, y]) => [box.x + x * box.width, box.y + y * box.height] as const,
  )
  if (!first) return
  await page.mouse.move(...first)
  await page.mouse.down()
  for (const point of rest) await page.mouse.move(...point, { steps: 8 })
  await page.mouse.up()
}

/**
 * Stores a change by a direct call of the app's action, because the component of the whiteboard
 * would never make such a change.
 */
async function pushAsBob(change: (doc: Y.Doc) => void) {
  const doc = new Y.Doc()
  doc.transact(() => change(doc))
  const update = Buffer.from(Y.encodeStateAsUpdate(doc)).toString('base64')
  const input = { app: whiteboard, room: room as RoomId, action: 'push', data: { update } }
  await bobClient.client.call('app.action', input)
}

const strokesOf = (app: FrameLocator) => app.locator('.board path')
const button = (app: FrameLocator, name: string) => app.getByRole('button', { name, exact: true })

describe('the whiteboard', { timeout: 60_000 }, () => {
  it('shows the strokes of one user to the other, and undo removes only strokes of the user who presses it', async () => {
    await button(aliceApp, 'Red').click()
    await button(aliceApp, 'Thick').click()
    await drag(alice.page, aliceApp, [0.1, 0.1], [0.6, 0.1], [0.6, 0.3])
    await expect.poll(() => strokesOf(bobApp).count()).toBe(1)
    await drag(bob.page, bobApp, [0.2, 0.5], [0.8, 0.5])
    await expect.poll(() => strokesOf(aliceApp).count()).toBe(2)

    const shapes = (app: FrameLocator) =>
      strokesOf(app).evaluateAll((paths) =>
        paths.map((path) => [path.getAttribute('class'), path.getAttribute('d')]),
      )
    const drawn = await shapes(bobApp)
    await expect.poll(() => shapes(aliceApp)).toEqual(drawn)
    expect(drawn.map(([ink]) => ink)).toEqual(['ink-2', 'ink-0'])

    await alice.page.keyboard.press('Control+Z')
    await alice.page.keyboard.press('Control+Z')
    await expect.poll(() => shapes(bobApp)).toEqual([drawn[1]])
    await button(aliceApp, 'Redo').click()
    await expect.poll(() => shapes(bobApp)).toEqual(drawn)
    await expectAccessible(alice.page)
    await expectNoProblems(alice)
    await expectNoProblems(bob)
  })

  it('erases the strokes that the eraser touches', async () => {
    await button(aliceApp, 'Thin').click()
    await drag(alice.page, aliceApp, [0.1, 0.2], [0.9, 0.2])
    await drag(alice.page, aliceApp, [0.1, 0.8], [0.9, 0.8])
    await expect.poll(() => strokesOf(bobApp).count()).toBe(2)

    await button(bobApp, 'Eraser').click()
    await drag(bob.page, bobApp, [0.5, 0.1], [0.5, 0.3])

    await expect.poll(() => strokesOf(aliceApp).count()).toBe(1)
    await button(bobApp, 'Undo').click()
    await expect.poll(() => strokesOf(aliceApp).count()).toBe(2)
  })

  it('lets notes be created, edited, moved and deleted by keyboard', async () => {
    const { page } = alice
    const field = aliceApp.getByLabel('Text of note 1')
    await button(aliceApp, 'Add note').focus()
    await page.keyboard.press('Enter')
    await expect.poll(() => field.evaluate((note) => note === document.activeElement)).toBe(true)
    await page.keyboard.type('Buy milk')

    const his = bobApp.getByLabel('Text of note 1')
    await expect.poll(() => his.inputValue()).toBe('Buy milk')
    const left = () =>
      bobApp
        .getByRole('group', { name: 'Note 1' })
        .evaluate((note) => (note as HTMLElement).offsetLeft)
    const before = await left()
    await page.keyboard.press('Shift+Tab')
    await page.keyboard.press('Shift+Tab')
    for (let count = 0; count < 5; count += 1) await page.keyboard.press('Shift+ArrowRight')
    await expect.poll(left).toBeGreaterThan(before + 50)
    await his.fill('Buy oat milk')
    await expect.poll(() => field.inputValue()).toBe('Buy oat milk')
    await expectAccessible(page)

    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')

    await expect.poll(() => his.count()).toBe(0)
    const addNote = button(aliceApp, 'Add note')
    expect(await addNote.evaluate((it) => it === document.activeElement)).toBe(true)
    await button(aliceApp, 'Undo').click()
    await expect.poll(() => his.inputValue()).toBe('Buy oat milk')
  })

  it('is exported as an SVG that can be copied', async () => {
    await drag(alice.page, aliceApp, [0.1, 0.1], [0.9, 0.9])
    await button(aliceApp, 'Add note').click()
    await aliceApp.getByLabel('Text of note 1').fill('a < b & "c"')

    await button(aliceApp, 'Export as SVG').click()
    await button(aliceApp, 'Copy').click()
    await aliceApp.getByText('Copied').waitFor()
    const composer = alice.page.locator('#composer')
    await composer.focus()
    await alice.page.keyboard.press('Control+V')

    const svg = await composer.inputValue()
    expect(svg).toBe(await aliceApp.getByRole('textbox', { name: 'SVG' }).inputValue())
    const parsed = await alice.page.evaluate((source) => {
      const { documentElement: root } = new DOMParser().parseFromString(source, 'image/svg+xml')
      const paths = [...root.querySelectorAll('path')]
      return {
        name: root.nodeName,
        fills: paths.map((path) => path.getAttribute('fill')),
        text: root.textContent,
      }
    }, svg)
    expect(parsed).toEqual({
      name: 'svg',
      fills: [expect.stringMatching(/^rgb\(\d+,\d+,\d+\)$/)],
      text: 'a < b & "c"',
    })
    await composer.fill('')
  })

  it('can be drawn on with a finger', async () => {
    const box = await aliceApp.getByRole('img', { name: 'Drawing' }).boundingBox()
    if (!box) throw new Error('The board is not visible')
    const session = await alice.page.context().newCDPSession(alice.page)
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', ...points: [number, number][]) =>
      session.send('Input.dispatchTouchEvent', {
        type,
        touchPoints: points.map(([x, y], id) => ({ id, x: box.x + x, y: box.y + y })),
      })

    await touch('touchStart', [50, 50])
    for (let step = 1; step <= 20; step += 1) await touch('touchMove', [50 + step, 50 + step * 10])
    await touch('touchEnd')

    await expect.poll(() => strokesOf(bobApp).count()).toBe(1)
    const tall = () =>
      strokesOf(bobApp)
        .first()
        .evaluate((path) => path.getBoundingClientRect().height)
    await expect.poll(tall).toBeGreaterThan(190)
  })

  it('is cleared for all users after a confirmation, and undo does not restore it', async () => {
    await drag(alice.page, aliceApp, [0.1, 0.1], [0.9, 0.9])
    await button(aliceApp, 'Add note').click()
    await expect.poll(() => bobApp.getByRole('group', { name: 'Note 1' }).count()).toBe(1)

    await button(bobApp, 'Clear whiteboard').click()
    await expectAccessible(bob.page)
    await button(bobApp, 'Cancel').click()
    await button(bobApp, 'Clear whiteboard').click()
    await bob.page.keyboard.press('Shift+Tab')
    await bob.page.keyboard.press('Enter')

    for (const app of [aliceApp, bobApp]) {
      await expect.poll(() => app.getByRole('group', { name: 'Note 1' }).count()).toBe(0)
      expect(await strokesOf(app).count()).toBe(0)
    }
    expect(await button(bobApp, 'Undo').getAttribute('aria-disabled')).toBe('true')
  })

  it('remains usable after a hostile client has stored invalid strokes and notes', async () => {
    await pushAsBob((doc) => {
      const strokes = doc.getMap<unknown>('strokes')
      const odd = Y.Array.from([Number.NaN, 1e300, Number.NEGATIVE_INFINITY, 7, 8, 9, 1e9])
      const all = [1, new Y.Map(), new Y.Text('text'), Y.Array.from([]), odd]
      for (const [key, value] of all.entries()) strokes.set(`${key}`, value)
      odd.push([new Y.Map(), new Y.Array()] as never)
      const notes = doc.getMap<unknown>('notes')
      const note = new Y.Map<unknown>([['x', new Y.Text('1')]])
      for (const [key, value] of [2, new Y.Array(), note].entries()) notes.set(`${key}`, value)
      note.set('y', Number.POSITIVE_INFINITY)
    })
    await expect.poll(() => strokesOf(aliceApp).count()).toBe(5)

    await drag(alice.page, aliceApp, [0.1, 0.1], [0.9, 0.9])

    await expect.poll(() => strokesOf(bobApp).count()).toBe(6)
    await bobApp.getByRole('group', { name: 'Note 1' }).waitFor()
    const shapes = await strokesOf(bobApp).evaluateAll((paths) =>
      paths.map((path) => path.getAttribute('d')),
    )
    expect(shapes.join()).not.toMatch(/NaN|Infinity/)
    await button(aliceApp, 'Clear whiteboard').click()
    await aliceApp
      .getByRole('group', { name: 'Clear' })
      .getByRole('button', { name: 'Clear' })
      .click()
    await expect.poll(() => strokesOf(bobApp).count()).toBe(0)
    await expectNoProblems(alice)
    await expectNoProblems(bob)
  })

  it('shows the strokes of both users after one of them was offline', async () => {
    await bob.page.context().setOffline(true)
    await bob.page.evaluate(() => dispatchEvent(new Event('offline')))
    await drag(bob.page, bobApp, [0.1, 0.1], [0.9, 0.1])
    await drag(alice.page, aliceApp, [0.1, 0.5], [0.9, 0.5])
    expect(await strokesOf(aliceApp).count()).toBe(1)
    await bob.page.context().setOffline(false)

    for (const app of [aliceApp, bobApp])
      await expect.poll(() => strokesOf(app).count(), { timeout: 30_000 }).toBe(2)
  })

  it('is read only for guests of the room', async () => {
    await drag(alice.page, aliceApp, [0.1, 0.1], [0.9, 0.9])
    await aliceClient.client.call('room.role', { room, userId: 'bob' as never, role: 'guest' })
    await bob.page.locator('#composer').waitFor({ state: 'detached' })
    await bob.page.getByRole('button', { name: 'All apps' }).click()
    await bob.page.getByRole('button', { name: 'Open Whiteboard' }).click()

    await bobApp.getByText('You can view this whiteboard').waitFor()

    await expect.poll(() => strokesOf(bobApp).count()).toBe(1)
    await drag(bob.page, bobApp, [0.2, 0.2], [0.7, 0.7])
    expect(await strokesOf(bobApp).count()).toBe(1)
    expect(await button(bobApp, 'Undo').count()).toBe(0)
  })

  it('transfers at most 45 kB of JavaScript, gzipped', async () => {
    const folder = join(clientFolder, 'apps')
    const [file = '', ...others] = (await readdir(folder)).filter((name) =>
      /^whiteboard-.*\.js$/.test(name),
    )

    const bytes = gzipSync(await readFile(join(folder, file)), { level: 9 }).length

    expect(others).toEqual([])
    expect(bytes).toBeGreaterThan(30_000)
    expect(bytes).toBeLessThanOrEqual(45_000)
  })
})
