import { describe, expect, it } from 'vitest'
import type { RoomId } from '#schema/ids'
import { deliverPrefs, type NotifyLevel } from '#schema/messages/prefs'
import { newRoomId, newUserId, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

describe('prefs.set', () => {
  it('changes only the given preferences and rooms, and returns all preferences', async () => {
    const client = await app.clientFor(newUserId())
    const [one, two] = [newRoomId(), newRoomId()]
    await client.call('prefs.set', { language: 'de', notify: 'all', rooms: { [one]: 'none' } })

    const answer = await client.call('prefs.set', { notify: 'none', rooms: { [two]: 'all' } })

    const rooms = { [one]: 'none', [two]: 'all' }
    expect(answer).toEqual({ prefs: { language: 'de', notify: 'none', rooms }, revision: 2 })
  })

  it('restores the default of a preference that is set to null', async () => {
    const client = await app.clientFor(newUserId())
    const [one, two] = [newRoomId(), newRoomId()]
    const status = { status: 'busy', until: 4_102_444_800_000 } as const
    await client.call('prefs.set', { status, rooms: { [one]: 'none', [two]: 'all' } })

    const { prefs } = await client.call('prefs.set', { status: null, rooms: { [one]: null } })

    expect(prefs).toEqual({ rooms: { [two]: 'all' } })
  })

  it('turns translation on or off for the given rooms, and leaves other rooms unchanged', async () => {
    const client = await app.clientFor(newUserId())
    const [one, two] = [newRoomId(), newRoomId()]
    await client.call('prefs.set', { translateTo: 'es', translateRooms: { [one]: true } })
    await client.call('prefs.set', { translateRooms: { [two]: true } })

    const { prefs } = await client.call('prefs.set', { translateRooms: { [one]: null } })

    expect(prefs).toEqual({ rooms: {}, translateTo: 'es', translateRooms: { [two]: true } })
  })

  it('keeps the concurrent changes of several devices', async () => {
    const client = await app.clientFor(newUserId())
    const rooms = Array.from({ length: 20 }, newRoomId)

    await Promise.all(
      rooms.map((room) => client.call('prefs.set', { rooms: { [room]: 'mentions' } })),
    )

    const { prefs, revision } = await client.call('prefs.get', {})
    expect(prefs.rooms).toEqual(Object.fromEntries(rooms.map((room) => [room, 'mentions'])))
    expect(revision).toBe(20)
  })

  it('publishes the preferences to the clients of the caller only', async () => {
    const [toAlice, toBob] = [
      await app.listen(deliverPrefs, { user: 'alice' }, 'alice'),
      await app.listen(deliverPrefs, { user: 'bob' }, 'bob'),
    ]
    const room = newRoomId()

    const stored = await app.call('prefs.set', { rooms: { [room]: 'none' } }, 'alice')

    const isMine = ({ revision }: { revision: number }) => revision === stored.revision
    expect((await toAlice.until(isMine)).at(-1)).toEqual({ user: 'alice', ...stored })
    await app.call('prefs.set', { notify: 'mentions' }, 'bob')
    expect(await toBob.next()).toMatchObject({ user: 'bob', prefs: { notify: 'mentions' } })
  })

  it('rejects more than 64 kB as too_large, and keeps the stored preferences', async () => {
    const client = await app.clientFor(newUserId())
    const levels = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, () => [newRoomId(), 'none'])) as Record<
        RoomId,
        NotifyLevel
      >
    await client.call('prefs.set', { rooms: levels(1_000) })

    await expect(client.call('prefs.set', { rooms: levels(400) })).rejects.toMatchObject({
      code: 'too_large',
    })

    const { prefs } = await client.call('prefs.get', {})
    expect(Object.keys(prefs.rooms ?? {})).toHaveLength(1_000)
  })

  it.each([
    { notify: 'loud' },
    { rooms: { 'no room': 'all' } },
    { rooms: 'all' },
    { language: '../de' },
    { status: { status: 'invisible' } },
    { status: { status: 'busy', until: 'tomorrow' } },
    { theme: 'dark' },
    // Leave out the payload in which `notify` is null: it is valid, and restores the default.
    ...badPayloads({ notify: 'all' })
      .map(([, payload]) => payload)
      .filter((payload) => payload !== '{"notify":null}'),
  ])('rejects invalid input: %s', async (input) => {
    const payload =
      typeof input === 'string' || input instanceof Uint8Array ? input : JSON.stringify(input)

    const { status } = await app.request('as.charlie.prefs.set', payload, 'charlie')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
