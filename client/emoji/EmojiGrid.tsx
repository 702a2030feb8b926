import { createUniqueId, For, type JSX } from 'solid-js'
import { useLanguage } from '../i18n/createLanguage.ts'
import { nameOfEmoji } from './emojiNames.ts'

/** Some emoji that belong together, of which Tab comes to the first: arrows lead to all others. */
export function EmojiGrid(props: {
  title: string
  emojis: readonly string[]
  onPick: (emoji: string) => void
  /** Tab comes to each: there are few. */
  isShort?: boolean
}) {
  const id = createUniqueId()
  return (
    <section aria-labelledby={id}>
      <h3 id={id} class="emoji-title">
        {props.title}
      </h3>
      <div class="emoji-grid">
        <For each={props.emojis}>
          {(emoji, index) => (
            <button
              type="button"
              class="emoji"
              tabIndex={props.isShort || index() === 0 ? 0 : -1}
              data-tip={`:${nameOfEmoji(emoji)}:`}
              onClick={() => props.onPick(emoji)}
            >
              {emoji}
            </button>
          )}
        </For>
      </div>
    </section>
  )
}

/** All groups: arrows go from one to the other as well. */
export function EmojiGroups(props: { children: JSX.Element }) {
  const { t } = useLanguage()

  function onKey(event: KeyboardEvent & { currentTarget: HTMLElement }) {
    const all = [...event.currentTarget.querySelectorAll<HTMLElement>('.emoji')]
    const at = all.indexOf(document.activeElement as HTMLElement)
    const next = at < 0 ? undefined : nextOf(all, at, event)
    if (!next) return
    event.preventDefault()
    next.focus()
  }
  return (
    <div class="emoji-groups" role="toolbar" aria-label={t('composer.emoji')} onKeyDown={onKey}>
      {props.children}
    </div>
  )
}

function nextOf(all: HTMLElement[], at: number, { key, currentTarget }: KeyboardEvent) {
  const isRtl = getComputedStyle(currentTarget as HTMLElement).direction === 'rtl'
  const step = { ArrowRight: isRtl ? -1 : 1, ArrowLeft: isRtl ? 1 : -1 }[key]
  if (step !== undefined) return all[at + step]
  if (key === 'Home') return all[0]
  if (key === 'End') return all.at(-1)
  if (key === 'ArrowDown') return nearest(all.slice(at + 1), all[at], 1)
  if (key === 'ArrowUp') return nearest(all.slice(0, at).reverse(), all[at], -1)
  return undefined
}

/** In the next row, the one that stands nearest: rows of different groups need not be of one length. */
function nearest(others: HTMLElement[], from: HTMLElement | undefined, way: 1 | -1) {
  if (!from) return undefined
  const { left, top } = from.getBoundingClientRect()
  const row = others
    .map((element) => ({ element, place: element.getBoundingClientRect() }))
    .filter(({ place }) => (place.top - top) * way > 1)
  const nextTop = row[0]?.place.top
  const far = ({ place }: { place: DOMRect }) => Math.abs(place.left - left)
  return row
    .filter(({ place }) => Math.abs(place.top - (nextTop ?? 0)) < 1)
    .sort((one, other) => far(one) - far(other))[0]?.element
}
