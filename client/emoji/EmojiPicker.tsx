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

export function EmojiPicker(props: MenuProps & { onPick: (emoji: string) => void }) {
  const [isOpen, setOpen] = createSignal(true)
  let isFieldFocused = false
  const change = (open: boolean) => {
    setOpen(open)
    props.onOpenChange?.(open)
  }

  const pick = (emoji: string) => {
    props.onPick(emoji)
    isFieldFocused = document.activeElement?.matches('textarea') === true
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
            // On touch screens, focusing the search field would open a keyboard that covers the
            // emoji.
            if (window.matchMedia('(hover: hover)').matches) return
            event.preventDefault()
          }}
          onCloseAutoFocus={(event) => {
            if (isFieldFocused) event.preventDefault()
            isFieldFocused = false
          }}
        >
          <EmojiChoices onPick={pick} />
        </Popover.Content>
      </Popover.Portal>
    </Popover>
  )
}

const toCharacters = (named: readonly NamedEmoji[]) => named.map(([emoji]) => emoji)

function EmojiChoices(props: { onPick: (emoji: string) => void }) {
  const { t } = useLanguage()
  const [text, setText] = createSignal('')
  const query = () => text().trim().replaceAll(':', '')
  const matches = () => toCharacters(findEmoji(query(), maxResults))

  const onKey = (event: KeyboardEvent & { currentTarget: HTMLElement }) => {
    const [first] = query() ? matches() : []
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
          when={query() === ''}
          fallback={
            <Show
              when={matches().length > 0}
              fallback={
                <p class="list-empty" role="status">
                  {t('emoji.none')}
                </p>
              }
            >
              <EmojiGrid title={t('composer.emoji')} emojis={matches()} onPick={props.onPick} />
            </Show>
          }
        >
          <EmojiGrid
            title={t('emoji.frequent')}
            emojis={frequentEmoji}
            onPick={props.onPick}
            isEachTabbable
          />
          <For each={emojiGroups}>
            {(group) => (
              <EmojiGrid
                title={t(`emoji.${group}`)}
                emojis={toCharacters(emojiOf(group)).filter(
                  (emoji) => !frequentEmoji.includes(emoji),
                )}
                onPick={props.onPick}
              />
            )}
          </For>
        </Show>
      </EmojiGroups>
    </>
  )
}
