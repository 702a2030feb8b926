import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import type { Page } from 'playwright-core'
import type { ClientId, RoomId, UserId } from '#schema/ids'
import type { StackUrls } from '../../../stack/state.ts'
import { writeDeadLetter } from '../../support/dead-letters.ts'
import { giveArabicPoll, givePolls, giveStandup, giveWhiteboard } from './apps.ts'
import type { DemoHistory, People } from './history.ts'
import { type Scene, type SceneContext, wide } from './stage.ts'

const phone = { width: 390, height: 844 }

const polls = {
  write: givePolls,
  show: ({ page }: SceneContext) => showApp(page, 'Design'),
}
const standup = {
  write: giveStandup,
  show: ({ page }: SceneContext) => showApp(page, 'Launch week'),
}

export const scenes: Record<string, Scene> = {
  login: {
    isLoggedOut: true,
    options: { viewport: { width: 1000, height: 640 } },
    show: ({ page }) => page.getByRole('button', { name: 'Log in' }).waitFor(),
  },
  'provider-away': {
    isLoggedOut: true,
    options: { viewport: { width: 1000, height: 640 } },
    prepare: (page, urls) => page.route(`${urls.issuer}/**`, (route) => route.abort()),
    show: ({ page }) => page.getByText('Can’t reach the login server.').waitFor(),
  },
  refused: {
    isRefused: true,
    options: { viewport: { width: 1000, height: 640 }, colorScheme: 'dark' },
    show: ({ page }) => page.getByText('Couldn’t log you in.').waitFor(),
  },
  room: { show: ({ page }) => showRoom(page, 'Engineering') },
  'room-dark': {
    options: { colorScheme: 'dark' },
    show: ({ page }) => showRoom(page, 'Engineering'),
  },
  thread: { show: ({ page, urls, history }) => showThread(page, urls, history) },
  'thread-dark': {
    options: { colorScheme: 'dark' },
    show: ({ page, urls, history }) => showThread(page, urls, history),
  },
  members: {
    async show({ page }) {
      await showRoom(page, 'Engineering')
      await page.getByRole('button', { name: 'Members', exact: true }).click()
      await page.getByRole('region', { name: 'Members' }).getByText('Tomás').waitFor()
    },
  },
  actions: {
    async show({ page }) {
      await showRoom(page, 'Engineering')
      const message = page.getByRole('article').filter({ hasText: 'both flat' })
      await message.hover()
      await message.getByRole('button', { name: 'React' }).click()
      await page.getByRole('button', { name: '🎉', exact: true }).hover()
    },
  },
  mention: { show: ({ page }) => showSuggestions(page, 'Could you look at this, @') },
  'mention-dark': {
    options: { colorScheme: 'dark' },
    show: ({ page }) => showSuggestions(page, 'Could you look at this, @'),
  },
  emoji: { show: ({ page }) => showSuggestions(page, 'Off it goes :ro') },
  card: { show: ({ page }) => showCard(page) },
  'card-dark': { options: { colorScheme: 'dark' }, show: ({ page }) => showCard(page) },
  translation: { show: showTranslation },
  'translation-dark': {
    options: { colorScheme: 'dark' },
    show: showTranslation,
  },
  poll: polls,
  'poll-dark': { ...polls, options: { colorScheme: 'dark' } },
  'poll-rtl': {
    options: { locale: 'ar' },
    write: giveArabicPoll,
    show: ({ page }) => showApp(page, 'مكتب بيروت'),
  },
  whiteboard: { write: giveWhiteboard, show: showWhiteboard },
  'whiteboard-dark': {
    write: giveWhiteboard,
    options: { colorScheme: 'dark' },
    show: showWhiteboard,
  },
  standup,
  'standup-dark': { ...standup, options: { colorScheme: 'dark' } },
  browse: {
    async show({ page }) {
      await showRoom(page, 'Engineering')
      await page.getByRole('button', { name: 'Browse rooms' }).first().click()
      await page.getByRole('button', { name: /^Join/ }).first().waitFor()
    },
  },
  'new-room': {
    options: { colorScheme: 'dark' },
    async show({ page }) {
      await showRoom(page, 'Engineering')
      await page.getByRole('button', { name: 'Create room' }).click()
      await page.getByRole('dialog').getByLabel('Name').fill('Release party')
    },
  },
  'empty-room': {
    async show({ page }) {
      await page.locator('.room-link').filter({ hasText: 'Quiet corner' }).click()
      await page.getByText('This is the start of Quiet corner.').waitFor()
    },
  },
  failed: { show: (context) => showFailed(context) },
  switcher: {
    async show({ page }) {
      await showRoom(page, 'Engineering')
      await page.keyboard.press('Control+k')
      await page.getByRole('combobox').fill('e')
      await page.getByRole('option').first().waitFor()
    },
  },
  settings: {
    options: { colorScheme: 'dark' },
    async show({ page }) {
      await showRoom(page, 'Engineering')
      await page.locator('.me').click()
      await page.getByRole('menuitem', { name: 'Settings' }).click()
      await page.getByRole('dialog', { name: 'Settings' }).waitFor()
    },
  },
  'notify-menu': {
    async show({ page }) {
      await showRoom(page, 'Engineering')
      await page.getByRole('button', { name: 'Room options' }).click()
      await page.getByRole('menuitemradio', { name: 'Mentions', exact: true }).hover()
    },
  },
  offline: {
    async show({ page, cut }) {
      await showRoom(page, 'Engineering')
      await cut()
      await page.locator('#composer').fill('Written offline, sent after the reconnect.')
      await page.locator('#composer').press('Enter')
      await page.getByText('Connection lost.').waitFor()
    },
  },
  compact: {
    async show({ page }) {
      await showRoom(page, 'Engineering')
      await page.locator('.me').click()
      await page.getByRole('menuitem', { name: 'Settings' }).click()
      await page.getByLabel('Compact').check()
      await page.keyboard.press('Escape')
      await page.getByRole('dialog').waitFor({ state: 'detached' })
    },
  },
  console: { show: ({ page, people }) => showConsole(page, people) },
  'console-dark': {
    options: { colorScheme: 'dark' },
    show: ({ page, people }) => showConsole(page, people),
  },
  'dead-letters': { show: (context) => showDeadLetters(context) },
  traces: {
    options: { colorScheme: 'dark' },
    async show({ page }) {
      await showRoom(page, 'Engineering')
      await page.getByRole('link', { name: 'Console', exact: true }).click()
      await page.getByRole('link', { name: 'Traces', exact: true }).click()
      await page.locator('.traces li').first().waitFor()
    },
  },
  'message-trace': {
    async show({ page }) {
      await showRoom(page, 'Launch week')
      await page.locator('#composer').fill('The list is done.')
      await page.locator('#composer').press('Enter')
      const message = page.getByRole('article', { name: /The list is done/ })
      await message.waitFor()
      // Wait until the message is persisted, because only then is its trace complete.
      await page.waitForTimeout(2_000)
      await message.hover()
      await message.getByRole('button', { name: 'More' }).click()
      await page.getByRole('menuitem', { name: 'Trace' }).click()
      await page.getByRole('dialog').getByText('Stored in the log').waitFor()
    },
  },
  rtl: {
    options: { locale: 'ar' },
    show: ({ page }) => showRoom(page, 'مكتب بيروت'),
  },
  'translation-rtl': {
    options: { locale: 'ar' },
    show: showTranslation,
  },
  'phone-translation': {
    options: { viewport: phone, hasTouch: true, isMobile: true },
    show: showTranslation,
  },
  'phone-poll': {
    ...polls,
    options: { viewport: phone, hasTouch: true, isMobile: true },
  },
  'phone-whiteboard': {
    write: giveWhiteboard,
    options: { viewport: phone, hasTouch: true, isMobile: true },
    show: showWhiteboard,
  },
  'phone-standup': {
    ...standup,
    options: { viewport: phone, hasTouch: true, isMobile: true, colorScheme: 'dark' },
  },
  'phone-rooms': {
    options: { viewport: phone, hasTouch: true, isMobile: true },
    show: ({ page }) => page.getByRole('link', { name: /Engineering/ }).waitFor(),
  },
  'phone-room': {
    options: { viewport: phone, hasTouch: true, isMobile: true, colorScheme: 'dark' },
    show: ({ page }) => showRoom(page, 'Engineering'),
  },
  'phone-thread': {
    options: { viewport: phone, hasTouch: true, isMobile: true },
    show: ({ page, urls, history }) => showThread(page, urls, history),
  },
  'phone-actions': {
    options: { viewport: phone, hasTouch: true, isMobile: true },
    async show({ page }) {
      await showRoom(page, 'Engineering')
      await page.getByText('both flat').tap()
      await page.locator('.message:focus-within .actions').waitFor()
    },
  },
}

async function showRoom(page: Page, name: string) {
  await page.locator('.room-link').filter({ hasText: name }).click()
  await page.getByRole('heading', { level: 1, name }).waitFor()
  await page.getByRole('article').last().waitFor()
  // Wait for the display names: they load after the messages and have a space, unlike user ids.
  await page.locator('.message-name').filter({ hasText: ' ' }).first().waitFor()
  await page.mouse.move(wide.width - 1, 20)
}

async function showSuggestions(page: Page, text: string) {
  await showRoom(page, 'Engineering')
  await page.locator('#composer').pressSequentially(text)
  await page.getByRole('option').nth(2).waitFor()
}

async function showCard(page: Page) {
  await showRoom(page, 'Engineering')
  const message = page.getByRole('article').filter({ hasText: 'This is the whole function' })
  await message.locator('.message-name').click()
  await page.getByRole('dialog', { name: 'Bob Brown' }).waitFor()
}

async function showTranslation({ page, people: { alice, tomas } }: SceneContext) {
  await alice.client.call('prefs.set', { translateTo: 'en' })
  const text =
    'La lista está completa. ¿Puedes revisar `release.md` con @maya? La fecha es el viernes.'
  const message = { room: 'incidents' as RoomId, clientId: 'translated' as ClientId, text }
  await tomas.client.call('send', message)
  await showRoom(page, 'Incidents')
  const article = page.getByRole('article').filter({ hasText: 'La lista está completa' })
  await article.press('t')
  await page.getByText('Apertium').waitFor()
  await page.mouse.move(wide.width - 1, 20)
}

async function showWhiteboard({ page }: SceneContext) {
  await showRoom(page, 'Engineering')
  await page.getByRole('button', { name: 'Room options' }).click()
  await page.getByRole('menuitem', { name: 'Apps' }).click()
  await page.getByRole('button', { name: 'Open Whiteboard' }).click()
  await page.frameLocator('.app-frame').locator('.board[aria-busy="false"]').waitFor()
  await page.mouse.move(wide.width - 1, 20)
}

/** Opens the app that posted the last card in the room. */
async function showApp(page: Page, room: string) {
  await showRoom(page, room)
  await page.locator('.message-card button').last().click()
  await page.locator('.app.is-ready').waitFor()
  await page.frameLocator('.app-frame').locator('fieldset, form').first().waitFor()
  await page.mouse.move(wide.width - 1, 20)
}

async function showFailed({ page, people: { bob }, cut, restore }: SceneContext) {
  await showRoom(page, 'Release notes')
  await cut()
  await page.locator('#composer').fill('I would add a line about `msg.edit`.')
  await page.locator('#composer').press('Enter')
  await bob.client.call('room.role', {
    room: 'release-notes' as RoomId,
    userId: 'alice' as UserId,
    role: 'guest',
  })
  restore()
  await page.locator('.failed').getByText('Not sent.').waitFor({ timeout: 30_000 })
}

async function showDeadLetters({ page, urls, stateDir }: SceneContext) {
  await showRoom(page, 'Engineering')
  const secrets = await readFile(join(stateDir, 'secrets.json'), 'utf8')
  const { functionsPassword: pass } = JSON.parse(secrets)
  await using functions = await connect({ servers: urls.nats, user: 'functions', pass })
  const jsm = await jetstreamManager(functions)
  const { state } = await jsm.streams.info('CHAT_MESSAGES')
  const reasons = [
    'The row is longer than the column takes: value too long for type character varying(64)',
    'Deadlock detected, five times in a row',
  ]
  for (const [index, reason] of reasons.entries())
    await writeDeadLetter(functions, state.last_seq - index, reason)
  await page.getByRole('link', { name: 'Console', exact: true }).click()
  await page.getByRole('link', { name: 'Dead letters', exact: true }).click()
  await page.getByText('Deadlock detected').waitFor()
}

async function showConsole(page: Page, { bob }: People) {
  await showRoom(page, 'Engineering')
  await page.getByRole('link', { name: 'Console', exact: true }).click()
  const main = page.getByRole('region', { name: 'Console' })
  const { rooms } = await bob.client.call('room.list', {})
  for (let round = 0; round < 60; round++) {
    const subset = rooms.slice(0, 2 + Math.round(2 * Math.sin(round / 5)))
    for (const { id } of subset) await bob.client.call('chat.history', { room: id })
    if (round % 3 === 0) await bob.client.call('room.list', {})
    await page.waitForTimeout(500)
  }
  await main.getByRole('columnheader', { name: 'Calls per second' }).getByRole('button').click()
  await main.getByRole('button', { name: 'chat.history', exact: true }).click()
  await page
    .getByRole('region', { name: /^Details of/ })
    .getByRole('rowheader')
    .first()
    .waitFor()
}

async function showThread(page: Page, urls: StackUrls, { thread }: DemoHistory) {
  await showRoom(page, 'Engineering')
  const message = page.getByRole('article').filter({ hasText: 'after a long night' })
  await message.getByRole('button', { name: /replies/ }).click()
  await page.getByText('On it').waitFor()
  await page.mouse.move(wide.width - 1, 20)
  const expected = `${urls.web}/r/${thread.room}/t/${thread.id}`
  if (page.url() !== expected) throw new Error(`The page is at ${page.url()}, not at ${expected}`)
}
