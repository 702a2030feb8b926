import { createSignal, Show, useContext } from 'solid-js'
import { TextWordsContext } from './words.ts'

/**
 * An image somewhere else: whoever keeps it learns who looks at it, and when. So it is a link, and an
 * image only for who asks for it, where that is allowed.
 */
export function RemoteImage(props: {
  href: string
  host: string
  description: string
  isAllowed: boolean
}) {
  const words = useContext(TextWordsContext)
  const [isWanted, setIsWanted] = createSignal(false)
  return (
    <Show
      when={props.isAllowed && isWanted()}
      fallback={
        <span class="image-link">
          <a href={props.href} target="_blank" rel="noopener noreferrer nofollow">
            {words().image(props.host)}
          </a>
          <Show when={props.description}>
            {' '}
            <bdi class="image-description">{props.description}</bdi>
          </Show>
          <Show when={props.isAllowed}>
            {' '}
            <button type="button" class="image-load" onClick={() => setIsWanted(true)}>
              {words().loadImage}
            </button>
          </Show>
        </span>
      }
    >
      <img
        class="image-loaded"
        src={props.href}
        alt={props.description || words().image(props.host)}
        referrerpolicy="no-referrer"
        decoding="async"
      />
    </Show>
  )
}
