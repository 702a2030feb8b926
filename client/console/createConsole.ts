import { createSignal, onCleanup } from 'solid-js'
import { createStore } from 'solid-js/store'
import { isCallError } from '#runtime/client'
import type { ServiceSum } from '#schema/messages/console'
import type { ChatClient } from '../nats/chatClient.ts'
import {
  appendSample,
  combineSamples,
  pollMs,
  type Sample,
  type Snapshot,
  toSample,
} from './series.ts'

export interface WatchedService {
  sum: ServiceSum
  samples: readonly Sample[]
  isGone: boolean
}

export type ConsoleStatus =
  | { status: 'loading' }
  | { status: 'live' }
  /** Time of the last response, in milliseconds since the epoch. */
  | { status: 'late'; since: number }
  | { status: 'refused' }

export type ConsoleState = ReturnType<typeof createConsole>

export function createConsole(client: ChatClient) {
  const [state, setState] = createSignal<ConsoleStatus>({ status: 'loading' })
  const [names, setNames] = createSignal<readonly string[]>([])
  const [byName, setByName] = createStore<Record<string, WatchedService>>({})
  const [all, setAll] = createSignal<readonly Sample[]>([])
  const snapshots = new Map<string, Snapshot>()
  let updatedAt = Date.now()
  let timer: ReturnType<typeof setTimeout> | undefined
  let isStopped = false

  async function poll() {
    clearTimeout(timer)
    if (!document.hidden) await load()
    if (!isStopped) timer = setTimeout(() => void poll(), pollMs)
  }

  async function load() {
    try {
      const { at, services } = await client.call('console.services', {})
      updatedAt = Date.now()
      addSnapshot(Date.parse(at), services)
      setState({ status: 'live' })
    } catch (error) {
      if (isCallError(error) && error.code === 'forbidden') {
        setState({ status: 'refused' })
        isStopped = true
      } else setState({ status: 'late', since: updatedAt })
    }
  }

  function addSnapshot(at: number, services: readonly ServiceSum[]) {
    const fresh = services.flatMap((sum) => {
      const now = { at, sum }
      const before = snapshots.get(sum.name)
      // If the server has cached the response, it contains the previous snapshot again.
      if (before?.at === at) return []
      snapshots.set(sum.name, now)
      const sample = toSample(before, now)
      const known = byName[sum.name]?.samples ?? []
      setByName(sum.name, { sum, isGone: false, samples: appendSample(known, sample) })
      // The totals exclude the console's own calls, which would be most of the calls of an idle
      // system.
      return sum.name.startsWith('console.') ? [] : sample
    })
    if (fresh.length > 0) setAll((before) => appendSample(before, combineSamples(fresh)))
    const running = new Set(services.map(({ name }) => name))
    for (const name of Object.keys(byName)) if (!running.has(name)) setByName(name, 'isGone', true)
    const known = Object.keys(byName).sort()
    if (known.join() !== names().join()) setNames(known)
  }

  const onVisible = () => {
    if (!document.hidden && !isStopped) void poll()
  }
  document.addEventListener('visibilitychange', onVisible)
  onCleanup(() => {
    isStopped = true
    clearTimeout(timer)
    document.removeEventListener('visibilitychange', onVisible)
  })
  void poll()

  return { client, state, names, byName, all }
}
