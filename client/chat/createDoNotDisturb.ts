import { createComputed, createEffect, createMemo, createSignal, on, onCleanup } from 'solid-js'
import type { ChosenStatus } from '#schema/messages/presence'
import type { Preferences } from './createPreferences.ts'
import type { Presence } from './createPresence.ts'

export type DoNotDisturb = ReturnType<typeof createDoNotDisturb>

interface StoredStatus {
  status: ChosenStatus
  until?: number | undefined
}

const retryDelayMs = 30_000

/**
 * After a login, restores the status that the user has chosen, because the server deletes it when
 * the user's last connection closes. For this, the status is also stored in the account's
 * preferences.
 */
export function createDoNotDisturb(
  preferences: Pick<Preferences, 'all' | 'set' | 'isCurrent'>,
  presence: Presence,
) {
  const stored = createMemo(() => preferences.all().status ?? undefined, undefined, {
    equals: (a, b) => a?.status === b?.status && a?.until === b?.until,
  })
  const [choice, setChoice] = createSignal<StoredStatus | undefined>(stored())
  createComputed(on(stored, (status) => setChoice(status), { defer: true }))
  const isActive = () => presence.mine() === 'busy'
  const until = () => (isActive() ? choice()?.until : undefined)

  createEffect(() => {
    const end = until()
    if (end === undefined) return
    let timer = setTimeout(expire, Math.max(0, end - Date.now()))
    onCleanup(() => clearTimeout(timer))
    function expire() {
      choose('online').catch(() => {
        timer = setTimeout(expire, retryDelayMs)
      })
    }
  })

  createEffect(
    on([presence.mine, preferences.isCurrent], ([status]) => {
      if (status !== 'online' || !preferences.isCurrent()) return
      let timer: ReturnType<typeof setTimeout> | undefined
      onCleanup(() => clearTimeout(timer))
      void restore()

      async function restore() {
        const { status: chosen = 'online', until: end = Number.POSITIVE_INFINITY } = choice() ?? {}
        if (chosen === 'online') return
        if (end <= Date.now()) return persist(undefined)
        await presence.choose(chosen).catch(() => {
          timer = setTimeout(restore, retryDelayMs)
        })
      }
    }),
  )
  presence.onChosen((status) => {
    if (choice()?.status !== status) setChoice({ status })
  })

  function persist(chosen: StoredStatus | undefined) {
    preferences.set({ status: chosen ?? null })
    setChoice(chosen)
  }

  async function choose(status: ChosenStatus, end?: number) {
    const before = choice()
    // Stores the status and its end before publishing the status. Otherwise, the callback of `onChosen`
    // would run first, and set the status without an end.
    persist({ status, until: end })
    try {
      await presence.choose(status)
    } catch (error) {
      persist(before)
      throw error
    }
  }

  return {
    isActive,
    chosen: (): ChosenStatus => choice()?.status ?? 'online',
    /** In milliseconds since the epoch; undefined if the status has no end. */
    until,
    choose,
  }
}
