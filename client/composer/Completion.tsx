import './completion.css'
import {
  createEffect,
  createMemo,
  createSignal,
  For,
  Match,
  on,
  onCleanup,
  Show,
  Switch,
} from 'solid-js'
import { useChat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { Avatar } from '../people/Avatar.tsx'
import { StatusText } from '../people/StatusText.tsx'
import type { CompletionQuery } from './completionQuery.ts'
import { createSuggestions } from './createSuggestions.ts'

export interface CompletionHandle {
  activeId: () => string | undefined
  handleKey: (event: KeyboardEvent) => boolean
}

export function Completion(props: {
  query: CompletionQuery
  listId: string
  onChoose: (text: string) => void
  onDismiss: () => void
  onReady: (handle: CompletionHandle | undefined) => void
}) {
  const chat = useChat()
  const { t, tn } = useLanguage()
  const suggestions = createSuggestions(() => props.query)
  const count = () => suggestions().length
  const [selected, setSelected] = createSignal(0)
  const activeIndex = createMemo(() => Math.min(selected(), count() - 1))
  const idOf = (index: number) => `${props.listId}-${index}`
  createEffect(
    on(
      () => props.query.text,
      () => setSelected(0),
    ),
  )
  // The closing colon of an emoji's name chooses the emoji.
  createEffect(() => {
    const [exact] = suggestions()
    if (props.query.text.endsWith(':') && exact) props.onChoose(exact.text)
  })

  const choose = (index: number) => {
    const suggestion = suggestions()[index]
    if (suggestion) props.onChoose(`${suggestion.text} `)
  }

  function handleKey(event: KeyboardEvent): boolean {
    if (count() === 0 || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey)
      return false
    const { key } = event
    if (key === 'ArrowDown') setSelected((activeIndex() + 1) % count())
    else if (key === 'ArrowUp') setSelected((activeIndex() - 1 + count()) % count())
    else if (key === 'Enter' || key === 'Tab') choose(activeIndex())
    else if (key === 'Escape') props.onDismiss()
    else return false
    return true
  }

  props.onReady({
    handleKey,
    activeId: () => (count() > 0 ? idOf(activeIndex()) : undefined),
  })
  onCleanup(() => props.onReady(undefined))

  return (
    <>
      <Show when={count() > 0}>
        <div
          id={props.listId}
          class="menu completion"
          role="listbox"
          aria-label={t(props.query.kind === 'person' ? 'composer.people' : 'composer.emoji')}
        >
          <For each={suggestions()}>
            {(suggestion, index) => (
              <div
                ref={(element) =>
                  createEffect(
                    () => activeIndex() === index() && element.scrollIntoView({ block: 'nearest' }),
                  )
                }
                id={idOf(index())}
                role="option"
                tabIndex={-1}
                class="menu-item"
                aria-selected={index() === activeIndex()}
                onPointerDown={(event) => {
                  // A press on a suggestion must not move the focus out of the text field.
                  event.preventDefault()
                  choose(index())
                }}
              >
                <Switch>
                  <Match when={suggestion.kind === 'person' && suggestion}>
                    {(person) => (
                      <>
                        <Avatar user={person().userId} isSmall hasStatus />
                        <strong class="cut" dir="auto">
                          {chat.people.name(person().userId)}
                        </strong>
                        <span class="muted">@{chat.people.handle(person().userId)}</span>
                        <StatusText user={person().userId} />
                        <Show when={person().isOutside}>
                          <span class="muted completion-note">{t('composer.notInRoom')}</span>
                        </Show>
                      </>
                    )}
                  </Match>
                  <Match when={suggestion.kind === 'group' && suggestion}>
                    {(group) => (
                      <>
                        <strong>{group().text}</strong>
                        <span class="muted">{t(`composer.${group().group}`)}</span>
                      </>
                    )}
                  </Match>
                  <Match when={suggestion.kind === 'emoji' && suggestion}>
                    {(emoji) => (
                      <>
                        <span class="completion-emoji">{emoji().text}</span>
                        <span>:{emoji().name}:</span>
                      </>
                    )}
                  </Match>
                </Switch>
              </div>
            )}
          </For>
        </div>
      </Show>
      <p class="visually-hidden" role="status">
        {count() > 0 ? tn('composer.suggestions', count()) : ''}
      </p>
    </>
  )
}
