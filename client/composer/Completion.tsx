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

/** What a list of suggestions is for the field that it belongs to, which keeps the focus. */
export interface CompletionHandle {
  /** The suggestion that would be taken now; nothing where there is none. */
  activeId: () => string | undefined
  /** Whether the key was meant for the list. */
  press: (event: KeyboardEvent) => boolean
}

/** Who or what may be meant by what somebody is writing: chosen by arrows and Enter, or by a touch. */
export function Completion(props: {
  wanted: CompletionQuery
  listId: string
  onChoose: (text: string) => void
  onDismiss: () => void
  /** Tells the field what it is to ask, for as long as this is there. */
  onReady: (handle: CompletionHandle | undefined) => void
}) {
  const chat = useChat()
  const { t, tn } = useLanguage()
  const suggestions = createSuggestions(() => props.wanted)
  const count = () => suggestions().length
  const [chosen, setChosen] = createSignal(0)
  const at = createMemo(() => Math.min(chosen(), count() - 1))
  const idOf = (index: number) => `${props.listId}-${index}`
  // Whoever goes on writing looks for something else.
  createEffect(
    on(
      () => props.wanted.text,
      () => setChosen(0),
    ),
  )
  // An emoji whose name is written to the end is meant.
  createEffect(() => {
    const [only] = suggestions()
    if (props.wanted.text.endsWith(':') && only) props.onChoose(only.text)
  })

  const take = (index: number) => {
    const taken = suggestions()[index]
    if (taken) props.onChoose(`${taken.text} `)
  }

  function press(event: KeyboardEvent): boolean {
    if (count() === 0 || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey)
      return false
    const { key } = event
    if (key === 'ArrowDown') setChosen((at() + 1) % count())
    else if (key === 'ArrowUp') setChosen((at() - 1 + count()) % count())
    else if (key === 'Enter' || key === 'Tab') take(at())
    else if (key === 'Escape') props.onDismiss()
    else return false
    return true
  }

  props.onReady({ press, activeId: () => (count() > 0 ? idOf(at()) : undefined) })
  onCleanup(() => props.onReady(undefined))

  return (
    <>
      <Show when={count() > 0}>
        <div
          id={props.listId}
          class="menu completion"
          role="listbox"
          aria-label={t(props.wanted.kind === 'person' ? 'composer.people' : 'composer.emoji')}
        >
          <For each={suggestions()}>
            {(suggestion, index) => (
              <div
                ref={(element) =>
                  createEffect(
                    () => at() === index() && element.scrollIntoView({ block: 'nearest' }),
                  )
                }
                id={idOf(index())}
                role="option"
                tabIndex={-1}
                class="menu-item"
                aria-selected={index() === at()}
                onPointerDown={(event) => {
                  // The field keeps the focus.
                  event.preventDefault()
                  take(index())
                }}
              >
                <Switch>
                  <Match when={suggestion.kind === 'person' && suggestion}>
                    {(person) => (
                      <>
                        <Avatar user={person().userId} isSmall hasStatus />
                        <strong>{chat.people.name(person().userId)}</strong>
                        <span class="muted">@{person().userId}</span>
                        <StatusText user={person().userId} />
                        <Show when={person().isOutside}>
                          <span class="muted completion-note">{t('composer.outside')}</span>
                        </Show>
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
