import { join } from 'node:path'
import { eq, sql } from 'drizzle-orm'
import { beforeAll, beforeEach, describe, expect, inject, it, onTestFinished } from 'vitest'
import { db } from '#schema/db'
import type { RoomId } from '#schema/ids'
import { type AppId, deliverAppUpdated } from '#schema/messages/app'
import { deliverNotify } from '#schema/messages/event'
import { deactivations } from '#schema/tables/user'
import { startRuntimeService } from '../../stack/services/runtime.ts'
import { newUserId, nextRejection, type TestPerson, useApp } from '../../tests/support/app.ts'
import { badPayloads } from '../../tests/support/bad-payloads.ts'
import type standup from './index.ts'
import { localDay, nextOpening } from './opening.ts'
import { answers, settings, standups } from './tables.ts'

type State = Awaited<ReturnType<typeof read>>

const app = useApp()
const rhythm = {
  time: '09:30',
  timeZone: 'Europe/Berlin',
  days: [1, 2, 3, 4, 5, 6, 7],
  minutes: 60,
}
const texts = { done: 'Wrote tests', next: 'Write docs', blockers: '' }

let room: RoomId

beforeAll(() => app.createUsers('alice', 'bob'))

/** Alice owns the room and bob is a member of it. A standup opens on each day. */
beforeEach(async () => {
  room = await app.createRoom(['alice', 'bob'], 'private', { alice: 'owner' })
  await app.call('apps.install', { room, app: 'standup' as AppId }, 'alice')
  await act('configure', rhythm, 'alice')
})

function act(action: keyof typeof standup.actions, data: object, as: TestPerson) {
  return app.act('standup', room, action, data, as)
}

interface Answers {
  done: string
  next: string
  blockers: string
}

async function read(as: TestPerson) {
  return (await act('state', {}, as)) as {
    settings?: typeof rhythm & { opensAt?: string }
    open?: {
      day: string
      answered: number
      members: number
      mine: Answers & { isSubmitted: boolean }
    }
    past: { day: string; members: number; answers: (Answers & { user: string })[] }[]
  }
}

/** Sets the time at which the next standup opens, by default to now. */
async function openNow(opensAt = new Date()) {
  await db.update(settings).set({ opensAt }).where(eq(settings.room, room))
}

/** Opens a standup, and returns its day. */
async function opened(): Promise<string> {
  const updates = await app.listen(deliverAppUpdated, { user: 'bob', room }, 'bob')
  await openNow()
  for (;;) {
    await updates.next()
    const { open } = await read('bob')
    if (open) return open.day
  }
}

async function closeNow() {
  const updates = await app.listen(deliverAppUpdated, { user: 'bob', room }, 'bob')
  await db.update(standups).set({ closesAt: new Date() }).where(eq(standups.room, room))
  do await updates.next()
  while ((await read('bob')).open)
}

async function posted() {
  const events = await app.readEvents(room)
  return events.flatMap((event) => (event.kind === 'message' ? [event.text] : []))
}

const openedText = expect.stringMatching(/^Time for the standup! Answer by /)
const closedText = (answered: number, members: number) =>
  expect.stringMatching(new RegExp(`^Standup of .*: ${answered} of ${members} answered\\.$`))

describe('the app standup', { timeout: 60_000 }, () => {
  it('opens a standup at its time, posts that it is open, and plans the next one', async () => {
    const toBob = await app.listen(deliverNotify, { user: 'bob', room }, 'bob')
    expect(await posted()).toEqual([])

    const day = await opened()

    expect((await toBob.next()).event).toMatchObject({ sender: '_app_standup', text: openedText })
    const state = await read('bob')
    expect(day).toBe(localDay(new Date(), rhythm.timeZone))
    expect(state.open).toMatchObject({ answered: 0, members: 2, mine: { isSubmitted: false } })
    expect(Date.parse(state.settings?.opensAt ?? '')).toBeGreaterThan(Date.now())
  })

  it('shows a draft only to its author, and deletes it when the standup ends', async () => {
    const day = await opened()
    const toAlice = await app.listen(deliverAppUpdated, { user: 'alice', room }, 'alice')

    await act('save', { day, ...texts, done: 'Secret draft' }, 'bob')
    await act('save', { day, ...texts, done: 'Secret, still a draft' }, 'bob')

    expect((await read('bob')).open).toMatchObject({
      answered: 0,
      mine: { done: 'Secret, still a draft', isSubmitted: false },
    })
    const ofAlice = await read('alice')
    expect(JSON.stringify(ofAlice)).not.toContain('Secret')
    expect(ofAlice.open?.mine.done).toBe('')
    await closeNow()
    const received = [await toAlice.next(), ...toAlice.unread()]
    expect(received.map(({ data }) => data)).toEqual(received.map(() => undefined))
    for (const as of ['alice', 'bob'] as const)
      expect(JSON.stringify(await read(as))).not.toContain('Secret')
    expect(await db.select().from(answers).where(eq(answers.room, room))).toEqual([])
    expect(JSON.stringify(await app.readEvents(room))).not.toContain('Secret')
  })

  it('shows submitted answers only when the standup has ended, and posts one summary', async () => {
    const day = await opened()
    await act('submit', { day, ...texts }, 'bob')
    await act('submit', { day, ...texts, blockers: 'The build' }, 'bob')
    await act('save', { day, ...texts, done: 'A draft after the answer' }, 'bob')
    const before = await read('alice')
    expect(before).toMatchObject({ open: { answered: 1 }, past: [] })
    expect(JSON.stringify(before)).not.toContain('Wrote tests')

    await closeNow()

    const after = await read('alice')
    expect(after.open).toBeUndefined()
    expect(after.past).toEqual([
      { day, members: 2, answers: [{ user: 'bob', ...texts, blockers: 'The build' }] },
    ])
    expect(await posted()).toEqual([openedText, closedText(1, 2)])
    const late = act('submit', { day, ...texts }, 'alice')
    await expect(late).rejects.toMatchObject({ code: 'conflict' })
  })

  it('ends a standup when the last member answers, even if the last two answer at once', async () => {
    const day = await opened()

    await Promise.all((['alice', 'bob'] as const).map((as) => act('submit', { day, ...texts }, as)))

    expect((await read('bob')).past).toMatchObject([{ day, members: 2, answers: [{}, {}] }])
    expect(await posted()).toEqual([openedText, closedText(2, 2)])
  })

  it('ends a standup without waiting for deactivated users and guests, who may not answer', async () => {
    const userId = newUserId()
    await app.addMember(room, userId, 'private')
    await db.insert(deactivations).values({ userId })
    await app.call('room.role', { room, userId: 'bob', role: 'guest' }, 'alice')
    const day = await opened()
    const byGuest = () => act('submit', { day, ...texts }, 'bob')
    expect(await nextRejection(byGuest)).toBe('forbidden')

    await act('submit', { day, ...texts }, 'alice')

    expect((await read('bob')).past).toMatchObject([{ answers: [{ user: 'alice' }] }])
  })

  it('opens one standup a day, even if one process ends and another one starts', async () => {
    const { functionsNats, databaseUrl } = inject('servers')
    const start = () =>
      startRuntimeService({
        dir: join(import.meta.dirname, '..', '..', '.cache'),
        folders: [join(import.meta.dirname, '..')],
        name: `apps-${crypto.randomUUID().slice(0, 8)}`,
        env: {
          NATS_URL: functionsNats,
          DATABASE_URL: databaseUrl,
          NATTER_ID_KEY: 'a key of 32 characters for tests',
        },
      })
    const first = await start()
    await opened()
    await first.stop()
    const second = await start()
    onTestFinished(() => second[Symbol.asyncDispose]())

    await openNow()

    const isPlanned = sql`${settings.opensAt} > now()`
    await expect
      .poll(() => db.$count(settings, sql`${settings.room} = ${room} and ${isPlanned}`), {
        timeout: 20_000,
      })
      .toBe(1)
    expect(await posted()).toEqual([openedText])
    expect(await db.$count(standups, eq(standups.room, room))).toBe(1)
  })

  it('skips a standup whose end has passed while no process ran', async () => {
    await openNow(new Date(Date.now() - 2 * 3_600_000))

    await expect
      .poll(async () => Date.parse((await read('bob')).settings?.opensAt ?? ''), {
        timeout: 20_000,
      })
      .toBeGreaterThan(Date.now())
    expect((await read('bob')).open).toBeUndefined()
    expect(await posted()).toEqual([])
  })

  it('ends an earlier standup that is still open when the next one opens', async () => {
    const day = await opened()
    await db.update(standups).set({ day: '2026-01-01' }).where(eq(standups.room, room))

    const today = await opened()

    expect(today).toBe(day)
    expect((await read('alice')).past).toMatchObject([{ day: '2026-01-01' }])
    expect(await posted()).toEqual([openedText, closedText(0, 2)])
  })

  it('lets only moderators change the settings, and plans no standup if no weekday is chosen', async () => {
    const byBob = act('configure', rhythm, 'bob')
    await expect(byBob).rejects.toMatchObject({ code: 'forbidden' })
    await act('configure', { ...rhythm, days: [1], timeZone: 'Asia/Tokyo' }, 'alice')
    const monday = (await read('bob')).settings
    expect(monday).toMatchObject({ timeZone: 'Asia/Tokyo', days: [1] })
    expect(new Date(monday?.opensAt ?? '').toUTCString()).toMatch(/^Mon, .* 00:30:00 GMT$/)

    await act('configure', { ...rhythm, days: [] }, 'alice')

    const stopped: State['settings'] = (await read('bob')).settings
    expect(stopped).not.toHaveProperty('opensAt')
  })

  it.each([
    ['an unknown time zone', { timeZone: 'Europe/Nowhere' }],
    ['a time of day that does not exist', { time: '25:00' }],
    ['an eighth weekday', { days: [8] }],
    ['no time to answer', { minutes: 0 }],
  ])('rejects settings with %s as invalid', async (_name, wrong) => {
    const configure = act('configure', { ...rhythm, ...wrong }, 'alice')

    await expect(configure).rejects.toMatchObject({ code: 'invalid' })
  })

  it.each([
    ['an empty answer', { done: ' ' }],
    ['an answer of 2,001 characters', { next: 'x'.repeat(2_001) }],
    ['a user', { user: 'bob' }],
  ])('rejects a submission with %s as invalid', async (_name, wrong) => {
    const submit = act('submit', { day: '2026-11-30', ...texts, ...wrong }, 'alice')

    await expect(submit).rejects.toMatchObject({ code: 'invalid' })
  })

  it.each(badPayloads({ data: { day: '2026-11-30', ...texts } }))(
    'rejects an invalid payload: %s',
    async (_name, payload) => {
      const { status } = await app.request(`as.alice.app.standup.${room}.save`, payload, 'alice')

      expect(status).toMatch(/^4(00|09|13)$/)
    },
  )
})

describe('the time of the next standup', () => {
  const berlin = { time: '02:30', timeZone: 'Europe/Berlin', days: [1, 2, 3, 4, 5, 6, 7] }

  it.each([
    ['in winter', '2026-01-14T12:00Z', '2026-01-15T01:30Z'],
    ['in summer', '2026-07-14T12:00Z', '2026-07-15T00:30Z'],
    ['on the same day if it is still to come', '2026-07-14T00:00Z', '2026-07-14T00:30Z'],
    ['on the next day if it has come', '2026-07-14T00:30Z', '2026-07-15T00:30Z'],
    ['plus one hour if the clock skips it in spring', '2026-03-28T12:00Z', '2026-03-29T01:30Z'],
    ['for the first time if the clock repeats it', '2026-10-24T12:00Z', '2026-10-25T00:30Z'],
    ['on the next day, not for the second time', '2026-10-25T00:45Z', '2026-10-26T01:30Z'],
    ['at the end of a year', '2026-12-31T22:59Z', '2027-01-01T01:30Z'],
  ])('is the configured local time %s', (_name, after, expected) => {
    expect(nextOpening(berlin, new Date(after))).toEqual(new Date(expected))
  })

  it.each([
    ['Asia/Kathmandu', '2026-06-01T12:00Z', '2026-06-01T20:45Z'],
    ['America/St_Johns', '2026-06-01T12:00Z', '2026-06-02T05:00Z'],
    ['Pacific/Kiritimati', '2026-06-01T13:00Z', '2026-06-02T12:30Z'],
    ['Australia/Lord_Howe', '2026-06-01T12:00Z', '2026-06-01T16:00Z'],
  ])('is the configured local time in %s', (timeZone, after, expected) => {
    expect(nextOpening({ ...berlin, timeZone }, new Date(after))).toEqual(new Date(expected))
  })

  it('is on a chosen weekday by the local date', () => {
    const tokyo = { time: '08:00', timeZone: 'Asia/Tokyo', days: [1] }

    // This time is on Sunday in UTC, and on Monday in Tokyo.
    const opening = nextOpening(tokyo, new Date('2026-11-29T22:00Z'))

    expect(opening).toEqual(new Date('2026-11-29T23:00Z'))
    expect(opening && localDay(opening, tokyo.timeZone)).toBe('2026-11-30')
    expect(nextOpening(tokyo, new Date('2026-11-29T23:00Z'))).toEqual(new Date('2026-12-06T23:00Z'))
    expect(nextOpening({ ...tokyo, days: [] }, new Date())).toBeUndefined()
  })
})
