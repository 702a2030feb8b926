import {
  type Component,
  createEffect,
  createSignal,
  getOwner,
  type JSX,
  onCleanup,
  runWithOwner,
  Show,
} from 'solid-js'

type LazyPartProps = {
  /** A dialog is loaded when it is to be open; anything else when it is there. */
  isOpen?: boolean
  /** What is shown until it is loaded. */
  instead?: JSX.Element
}

const parts = new Set<() => Promise<void>>()
const [isMissing, setMissing] = createSignal(false)

/** Whether a part that somebody wanted could not be loaded. */
export const isPartMissing = isMissing

/** A component that is not among the first that a page loads, but comes when it is wanted. */
export function lazyPart<Props extends object>(
  load: () => Promise<Component<Props>>,
): Component<Props & LazyPartProps> {
  const [part, setPart] = createSignal<Component<Props>>()
  let loading: Promise<void> | undefined
  const fetch = () => {
    loading ??= load().then(
      (found) => void setPart(() => found),
      (error) => {
        // The next one who wants it tries again.
        loading = undefined
        throw error
      },
    )
    return loading
  }
  parts.add(fetch)

  return (props) => {
    createEffect(() => {
      if (props.isOpen ?? true) fetch().catch(() => setMissing(true))
    })
    return (
      <Show when={part()} keyed fallback={props.instead}>
        {(Loaded) => <Loaded {...props} />}
      </Show>
    )
  }
}

/**
 * Begins what is not needed at first as soon as it is loaded, for as long as its owner lives. Answers with
 * what has something done by it, then or later, in order.
 */
export function lazyPartWithFallback<Thing>(load: () => Promise<() => Thing>) {
  const owner = getOwner()
  let isDisposed = false
  onCleanup(() => {
    isDisposed = true
  })
  const thing = load().then((start) => (isDisposed ? undefined : runWithOwner(owner, start)))
  thing.catch(() => setMissing(true))
  return (work: (thing: Thing) => void): void =>
    void thing.then((it) => it !== undefined && !isDisposed && work(it)).catch(() => undefined)
}

/** What is shown first is shown first. */
const firstMs = 1_500

/** Loads everything, when there is nothing else to do: then it is there at once, and also offline. */
export function loadParts(): void {
  const loadAll = () => {
    for (const fetch of parts) fetch().catch(() => undefined)
  }
  // Not every browser says when it is idle.
  const whenIdle = window.requestIdleCallback ?? loadAll
  setTimeout(() => whenIdle(loadAll, { timeout: 10_000 }), firstMs)
}
