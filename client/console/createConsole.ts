import { createSignal, onCleanup } from 'solid-js'
import { createStore } from 'solid-js/store'
import { isCallError } from '#runtime/client'
import type { ServiceSum } from '#schema/messages/console'
import type { ChatClient } from '../nats/chatClient.ts'
import { append, pollMs, type Sample, type Snapshot, toSample, total } from './series.ts'

/** A function as it is now, and as it was for two minutes. */
export interface WatchedService {
  sum: ServiceSum
  samples: readonly Sample[]
  /** It has been there, and nobody answers for it any more. */
  isGone: boolean
}

export type ConsoleStatus =
  | { status: 'loading' }
  | { status: 'live' }
  /** Asked, and not answered since then, in milliseconds since the epoch. */
  | { status: 'late'; since: number }
  | { status: 'refused' }

export type ConsoleState = ReturnType<typeof createConsole>

/** Looks at everything that runs, every two seconds while somebody sees it. */
export function createConsole(client: ChatClient) {
  const [state, setState] = createSignal<ConsoleStatus>({ status: 'loading' })
  const [names, setNames] = createSignal<readonly string[]>([])
  const [byName, setByName] = createStore<Record<string, WatchedService>>({})
  const [all, setAll] = createSignal<readonly Sample[]>([])
  const looks = new Map<string, Snapshot>()
  let seenAt = Date.now()
  let timer: ReturnType<typeof setTimeout> | undefined
  let isStopped = false

  async function look() {
    clearTimeout(timer)
    if (!document.hidden) await ask()
    if (!isStopped) timer = setTimeout(() => void look(), pollMs)
  }

  async function ask() {
    try {
      const { at, services } = await client.call('console.services', {})
      seenAt = Date.now()
      take(Date.parse(at), services)
      setState({ status: 'live' })
    } catch (error) {
      if (isCallError(error) && error.code === 'forbidden') {
        setState({ status: 'refused' })
        isStopped = true
      } else setState({ status: 'late', since: seenAt })
    }
  }

  function take(at: number, services: readonly ServiceSum[]) {
    const fresh = services.flatMap((sum) => {
      const now = { at, sum }
      const before = looks.get(sum.name)
      // Answered from memory, it is what is known already.
      if (before?.at === at) return []
      looks.set(sum.name, now)
      const sample = toSample(before, now)
      const known = byName[sum.name]?.samples ?? []
      setByName(sum.name, { sum, isGone: false, samples: append(known, sample) })
      // What the console itself asks would be most of what a quiet system does.
      return sum.name.startsWith('console.') ? [] : sample
    })
    if (fresh.length > 0) setAll((before) => append(before, total(fresh)))
    const here = new Set(services.map(({ name }) => name))
    for (const name of Object.keys(byName)) if (!here.has(name)) setByName(name, 'isGone', true)
    const known = Object.keys(byName).sort()
    if (known.join() !== names().join()) setNames(known)
  }

  const onSeen = () => {
    if (!document.hidden && !isStopped) void look()
  }
  document.addEventListener('visibilitychange', onSeen)
  onCleanup(() => {
    isStopped = true
    clearTimeout(timer)
    document.removeEventListener('visibilitychange', onSeen)
  })
  void look()

  return { client, state, names, byName, all }
}
