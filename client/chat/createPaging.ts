import { createSignal, onCleanup } from 'solid-js'
import { retryDelayOf } from '../nats/callWithRetry.ts'
import type { HistoryPage, Timeline } from './timeline.ts'

export type Side = 'older' | 'newer'

interface PagingOptions {
  timeline: () => Timeline
  /**
   * Changes when the timeline opens at another history page: the result of an earlier request is
   * then dropped. 0 disables paging.
   */
  opened: () => number
  read: (cursor: { before: number } | { after: number }) => Promise<HistoryPage>
  onPage: (page: HistoryPage, side: Side) => void
}

const sides = ['older', 'newer'] as const

/** Loads older and newer history pages, with one request at a time in each direction. */
export function createPaging({ timeline, opened, read, onPage }: PagingOptions) {
  const [loading, setLoading] = createSignal<Partial<Record<Side, boolean>>>({})
  const [failed, setFailed] = createSignal<Partial<Record<Side, boolean>>>({})
  const retries = new Set<ReturnType<typeof setTimeout>>()
  let isClosed = false
  onCleanup(() => {
    isClosed = true
    for (const retry of retries) clearTimeout(retry)
  })

  async function load(side: Side): Promise<void> {
    const { items, hasOlder, hasNewer } = timeline()
    const edge = side === 'older' ? items[0] : items.at(-1)
    if (!edge || !(side === 'older' ? hasOlder : hasNewer) || loading()[side]) return
    const turn = opened()
    if (turn === 0) return
    const isStale = () => turn !== opened() || isClosed
    setLoading((before) => ({ ...before, [side]: true }))
    setFailed((before) => ({ ...before, [side]: false }))
    try {
      const page = await read(side === 'older' ? { before: edge.seq } : { after: edge.seq })
      if (!isStale()) onPage(page, side)
    } catch (error) {
      if (isStale()) return
      setFailed((before) => ({ ...before, [side]: true }))
      const retry = setTimeout(() => {
        retries.delete(retry)
        if (failed()[side]) void load(side)
      }, retryDelayOf(error))
      retries.add(retry)
    } finally {
      setLoading((before) => ({ ...before, [side]: false }))
    }
  }

  return {
    isLoading: (side: Side) => loading()[side] === true,
    hasFailed: (side: Side) => failed()[side] === true,
    clearFailures: () => setFailed({}),
    load,
    retry() {
      for (const side of sides) if (failed()[side]) void load(side)
    },
  }
}
