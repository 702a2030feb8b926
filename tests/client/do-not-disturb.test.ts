import { createRoot, createSignal } from 'solid-js'
import { expect, it, vi } from 'vitest'
import type { ChosenStatus, Status } from '#schema/messages/presence'
import { createDoNotDisturb } from '../../client/chat/createDoNotDisturb.ts'
import type { Presence } from '../../client/chat/createPresence.ts'

// Node resolves solid-js to its server build, which runs no effects. So load the browser build.
vi.mock('solid-js', () => import('../../node_modules/solid-js/dist/solid.js' as string))

it('createDoNotDisturb publishes the stored status every 30 seconds until the server accepts it', async () => {
  vi.useFakeTimers()
  const [mine, setMine] = createSignal<Status>('offline')
  const attempts: ChosenStatus[] = []
  const presence = {
    mine,
    onChosen() {},
    async choose(status: ChosenStatus) {
      if (attempts.push(status) < 3) throw new Error('unavailable')
      setMine(status)
    },
  } as unknown as Presence
  const preferences = {
    all: () => ({ status: { status: 'busy' as const } }),
    set() {},
    isCurrent: () => true,
  }
  const dispose = createRoot((dispose) => {
    createDoNotDisturb(preferences, presence)
    return dispose
  })

  setMine('online')
  await vi.advanceTimersByTimeAsync(0)
  expect(attempts).toEqual(['busy'])
  await vi.advanceTimersByTimeAsync(120_000)

  expect(attempts).toEqual(['busy', 'busy', 'busy'])
  expect(mine()).toBe('busy')
  dispose()
  vi.useRealTimers()
})
