import '../ui/banner.css'
import './console.css'
import './trace.css'
import { For, Match, Show, Switch } from 'solid-js'
import { useChat } from '../chat/createChat.ts'
import { type ConsolePart, consoleParts, pathOf, useRoute } from '../routing/createRoute.ts'
import { Icon } from '../ui/Icon.tsx'
import { createConsole } from './createConsole.ts'
import { DeadLettersView } from './DeadLetters.tsx'
import { Functions } from './Functions.tsx'
import { Traces } from './Traces.tsx'
import { useConsoleWords } from './useWords.ts'

export function Console(props: { part: ConsolePart }) {
  const chat = useChat()
  const { go } = useRoute()
  const { w, clock } = useConsoleWords()
  const statistics = createConsole(chat.client)
  const lateState = () => {
    const state = statistics.state()
    return state.status === 'late' && statistics.names().length > 0 ? state : undefined
  }

  return (
    <section class="console" aria-labelledby="console-title">
      <header class="room-head console-head">
        <button
          type="button"
          class="icon-button only-narrow"
          aria-label={w('close')}
          onClick={() => go({})}
        >
          <Icon name="back" />
        </button>
        <h1 id="console-title">{w('title')}</h1>
        <nav class="console-parts" aria-label={w('title')}>
          <For each={consoleParts}>
            {(part) => (
              <a
                class="console-part"
                href={pathOf({ console: part })}
                aria-current={props.part === part ? 'page' : undefined}
                onClick={(event) => {
                  if (event.ctrlKey || event.metaKey || event.shiftKey) return
                  event.preventDefault()
                  go({ console: part })
                }}
              >
                {w(part)}
              </a>
            )}
          </For>
        </nav>
      </header>
      <div role="status" aria-live="polite">
        <Show when={lateState()}>
          {(state) => <p class="banner is-warning">{w('stale', { time: clock(state().since) })}</p>}
        </Show>
      </div>
      <Switch>
        <Match when={statistics.state().status === 'refused'}>
          <p class="console-empty" role="alert">
            {w('refused')}
          </p>
        </Match>
        <Match when={props.part === 'functions'}>
          <Functions statistics={statistics} />
        </Match>
        <Match when={props.part === 'dead'}>
          <DeadLettersView />
        </Match>
        <Match when={props.part === 'traces'}>
          <Traces />
        </Match>
      </Switch>
    </section>
  )
}
