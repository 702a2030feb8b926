import './emoji.css'
import { Popover } from '@kobalte/core/popover'
import { createSignal, For, Show } from 'solid-js'
import { useLanguage } from '../i18n/createLanguage.ts'
import type { MenuProps } from '../ui/lazyMenu.tsx'
import { EmojiGrid, EmojiGroups } from './EmojiGrid.tsx'
import { emojiGroups, emojiOf, findEmoji, type NamedEmoji } from './emojiNames.ts'

const frequentEmoji = [
  '👍',
  '❤️',
  '😄',
  '🎉',
  '🙏',
  '👀',
  '✅',
  '😮',
  '😢',
  '🔥',
  '💯',
  '👎',
  '🚀',
  '😂',
  '🤔',
  '👏',
]
const maxResults = 64

/** Signs to react with, or to write: the usual ones, all others by kind, and a field to find one by name. */
export function EmojiPicker(props: MenuProps & { onPick: (emoji: string) => void }) {
  const [isOpen, setOpen] = createSignal(true)
  let hasFocusElsewhere = false
  const change = (open: boolean) => {
    setOpen(open)
    props.onOpenChange?.(open)
  }

  /** What is written goes to its field, which has the focus then; else the button has it. */
  const pick = (emoji: string) => {
    props.onPick(emoji)
    hasFocusElsewhere = document.activeElement?.matches('textarea') === true
    change(false)
  }

  return (
    <Popover open={isOpen()} onOpenChange={change} placement="top-end">
      <Popover.Trigger class={props.class} tabIndex={props.tabIndex} aria-label={props.label}>
        {props.children}
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          class="menu emoji-menu"
          aria-label={props.label}
          onOpenAutoFocus={(event) => {
            // On a phone, the keyboard of the screen would cover what is to be chosen from.
            if (window.matchMedia('(hover: hover)').matches) return
            event.preventDefault()
          }}
          onCloseAutoFocus={(event) => {
            if (hasFocusElsewhere) event.preventDefault()
            hasFocusElsewhere = false
          }}
        >
          <Choices onPick={pick} />
        </Popover.Content>
      </Popover.Portal>
    </Popover>
  )
}

const signs = (named: readonly NamedEmoji[]) => named.map(([emoji]) => emoji)

function Choices(props: { onPick: (emoji: string) => void }) {
  const { t } = useLanguage()
  const [text, setText] = createSignal('')
  const wanted = () => text().trim().replaceAll(':', '')
  const found = () => signs(findEmoji(wanted(), maxResults))

  const onKey = (event: KeyboardEvent & { currentTarget: HTMLElement }) => {
    const [first] = wanted() ? found() : []
    if (event.key === 'Enter' && first) {
      event.preventDefault()
      props.onPick(first)
    } else if (event.key === 'ArrowDown') {
      event.preventDefault()
      event.currentTarget.parentElement?.querySelector<HTMLElement>('.emoji')?.focus()
    }
  }

  return (
    <>
      <input
        type="search"
        class="input"
        aria-label={t('emoji.search')}
        placeholder={t('emoji.search')}
        value={text()}
        onInput={({ currentTarget }) => setText(currentTarget.value)}
        onKeyDown={onKey}
      />
      <EmojiGroups>
        <Show
          when={wanted() === ''}
          fallback={
            <Show
              when={found().length > 0}
              fallback={
                <p class="list-empty" role="status">
                  {t('emoji.nothing')}
                </p>
              }
            >
              <EmojiGrid title={t('composer.emoji')} emojis={found()} onPick={props.onPick} />
            </Show>
          }
        >
          <EmojiGrid
            title={t('emoji.often')}
            emojis={frequentEmoji}
            onPick={props.onPick}
            isShort
          />
          <For each={emojiGroups}>
            {(group) => (
              <EmojiGrid
                title={t(`emoji.${group}`)}
                emojis={signs(emojiOf(group)).filter((emoji) => !frequentEmoji.includes(emoji))}
                onPick={props.onPick}
              />
            )}
          </For>
        </Show>
      </EmojiGroups>
    </>
  )
}
