import { createSignal, Match, Show, Switch, useContext } from 'solid-js'
import { TextWordsContext } from './words.ts'

/**
 * URLs of the images that the user has loaded. They are stored outside of the component, because
 * the virtual list recreates the component when the user scrolls.
 */
const [requested, setRequested] = createSignal<ReadonlySet<string>>(new Set())

/**
 * Shows a link until the user loads the image, because loading reveals the reader's IP address to
 * the image's host. An image whose URL is not HTTPS stays a link.
 */
export function RemoteImage(props: {
  href: string
  host: string
  title?: string | undefined
  description: string
}) {
  const words = useContext(TextWordsContext)
  const [hasFailed, setFailed] = createSignal(false)
  const isSafe = () => props.href.startsWith('https://')
  const isShown = () => isSafe() && requested().has(props.href) && !hasFailed()

  function load() {
    setFailed(false)
    setRequested((before) => new Set(before).add(props.href))
  }

  return (
    <Switch>
      <Match when={isShown()}>
        <a
          class="image-frame"
          href={props.href}
          target="_blank"
          rel="noopener noreferrer nofollow"
          data-tip={[props.description, props.title, props.href].filter(Boolean).join(' · ')}
        >
          <img
            class="image-loaded"
            src={props.href}
            alt={props.description || words().image(props.host)}
            referrerpolicy="no-referrer"
            decoding="async"
            onError={() => setFailed(true)}
          />
        </a>
      </Match>
      <Match when={!isShown()}>
        <span class="image-link">
          <a
            href={props.href}
            target="_blank"
            rel="noopener noreferrer nofollow"
            data-tip={props.title}
          >
            {words().image(props.host)}
          </a>
          <Show when={props.description}>
            {' '}
            <bdi class="image-description">{props.description}</bdi>
          </Show>
          <Show when={isSafe()}>
            {' '}
            <button
              type="button"
              class="image-load"
              data-tip={words().imageHint(props.host)}
              onClick={load}
            >
              {words().loadImage}
            </button>
          </Show>
          <Show when={hasFailed()}>
            {' '}
            <span role="alert">{words().imageFailed}</span>
          </Show>
        </span>
      </Match>
    </Switch>
  )
}
