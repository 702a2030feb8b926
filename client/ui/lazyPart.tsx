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
  /**
   * If set, the code is loaded when `isOpen` is first true. Without `isOpen`, the code is loaded
   * when the component mounts.
   */
  isOpen?: boolean
  fallback?: JSX.Element
}

const parts = new Set<() => Promise<void>>()
const [isMissing, setMissing] = createSignal(false)

export const isPartMissing = isMissing

/**
 * Returns a component whose code is loaded when the component first opens (see `isOpen`), or
 * earlier by `preloadParts`.
 */
export function lazyPart<Props extends object>(
  load: () => Promise<Component<Props>>,
): Component<Props & LazyPartProps> {
  const [part, setPart] = createSignal<Component<Props>>()
  let loading: Promise<void> | undefined
  const fetch = () => {
    loading ??= load().then(
      (component) => void setPart(() => component),
      (error) => {
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
      <Show when={part()} keyed fallback={props.fallback}>
        {(Loaded) => <Loaded {...props} />}
      </Show>
    )
  }
}

/**
 * Loads code and creates an instance with it. The returned function passes the instance to a
 * callback as soon as the instance exists. Callbacks run in the order in which they were passed,
 * and never after the Solid owner is disposed.
 */
export function lazyInstance<Instance>(load: () => Promise<() => Instance>) {
  const owner = getOwner()
  let isDisposed = false
  onCleanup(() => {
    isDisposed = true
  })
  const loading = load().then((create) => (isDisposed ? undefined : runWithOwner(owner, create)))
  loading.catch(() => setMissing(true))
  return (work: (instance: Instance) => void): void =>
    void loading
      .then((instance) => instance !== undefined && !isDisposed && work(instance))
      .catch(() => undefined)
}

/**
 * `preloadParts` waits this long, so that the lazy parts do not compete with the first history
 * page.
 */
const preloadDelayMs = 1_500

/**
 * Loads the code of all lazy parts when the page is idle, so that they open without delay and work
 * offline.
 */
export function preloadParts(): void {
  const loadAll = () => {
    for (const fetch of parts) fetch().catch(() => undefined)
  }
  // Safari has no requestIdleCallback: there, the code is loaded right after the delay.
  const whenIdle = window.requestIdleCallback ?? loadAll
  setTimeout(() => whenIdle(loadAll, { timeout: 10_000 }), preloadDelayMs)
}
