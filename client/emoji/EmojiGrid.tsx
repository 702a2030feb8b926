import { createUniqueId, For, type JSX } from 'solid-js'
import { useLanguage } from '../i18n/createLanguage.ts'
import { nameOfEmoji } from './emojiNames.ts'

/** Unless `isEachTabbable`, Tab reaches only the first emoji, and arrow keys reach the others. */
export function EmojiGrid(props: {
  title: string
  emojis: readonly string[]
  onPick: (emoji: string) => void
  isEachTabbable?: boolean
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
              tabIndex={props.isEachTabbable || index() === 0 ? 0 : -1}
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

export function EmojiGroups(props: { children: JSX.Element }) {
  const { t } = useLanguage()

  function onKey(event: KeyboardEvent & { currentTarget: HTMLElement }) {
    const buttons = [...event.currentTarget.querySelectorAll<HTMLElement>('.emoji')]
    const index = buttons.indexOf(document.activeElement as HTMLElement)
    const next = index < 0 ? undefined : findNext(buttons, index, event)
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

function findNext(buttons: HTMLElement[], index: number, { key, currentTarget }: KeyboardEvent) {
  const isRtl = getComputedStyle(currentTarget as HTMLElement).direction === 'rtl'
  const step = { ArrowRight: isRtl ? -1 : 1, ArrowLeft: isRtl ? 1 : -1 }[key]
  if (step !== undefined) return buttons[index + step]
  if (key === 'Home') return buttons[0]
  if (key === 'End') return buttons.at(-1)
  if (key === 'ArrowDown') return findNearest(buttons.slice(index + 1), buttons[index], 1)
  if (key === 'ArrowUp') return findNearest(buttons.slice(0, index).reverse(), buttons[index], -1)
  return undefined
}

/** Returns the horizontally nearest emoji of the next row, because rows may differ in length. */
function findNearest(candidates: HTMLElement[], from: HTMLElement | undefined, direction: 1 | -1) {
  if (!from) return undefined
  const { left, top } = from.getBoundingClientRect()
  const row = candidates
    .map((element) => ({ element, rect: element.getBoundingClientRect() }))
    .filter(({ rect }) => (rect.top - top) * direction > 1)
  const nextTop = row[0]?.rect.top
  const distance = ({ rect }: { rect: DOMRect }) => Math.abs(rect.left - left)
  return row
    .filter(({ rect }) => Math.abs(rect.top - (nextTop ?? 0)) < 1)
    .sort((a, b) => distance(a) - distance(b))[0]?.element
}
