import { createResource, createSignal, For, Show } from 'solid-js'
import type { ConsoleSpan } from '#schema/messages/console'
import { useChat } from '../chat/createChat.ts'
import { callWithRetry } from '../nats/callWithRetry.ts'
import { useConsoleWords } from './useWords.ts'
import { Waterfall } from './Waterfall.tsx'

type TraceFilter = 'all' | 'failed' | 'slow'
interface Trace {
  id: string
  spans: ConsoleSpan[]
}

export function Traces() {
  const chat = useChat()
  const { w } = useConsoleWords()
  const [filter, setFilter] = createSignal<TraceFilter>('all')
  const [opened, setOpened] = createSignal<string>()
  const [response, { refetch }] = createResource(filter, async (selected) => {
    const { traces } = await callWithRetry(
      chat.client,
      'console.traces',
      selected === 'all' ? {} : { only: selected },
    )
    return traces
  })
  const traces = () => (response.error ? [] : (response.latest ?? []))
  const longest = () => Math.max(1, ...traces().map(durationOf))
  const choices = () =>
    [
      ['all', w('all')],
      ['failed', w('onlyFailed')],
      ['slow', w('onlySlow')],
    ] as const

  return (
    <div class="console-main">
      <p class="console-lead">{w('tracesHint')}</p>
      <div class="console-filter">
        <fieldset class="switch">
          <legend class="visually-hidden">{w('only')}</legend>
          <For each={choices()}>
            {([value, label]) => (
              <label>
                <input
                  type="radio"
                  name="only"
                  class="visually-hidden"
                  checked={filter() === value}
                  onChange={() => setFilter(value)}
                />
                <span>{label}</span>
              </label>
            )}
          </For>
        </fieldset>
        <button type="button" class="button" onClick={() => void refetch()}>
          {w('refresh')}
        </button>
      </div>
      <Show when={response.error as Error | undefined}>
        {(error) => (
          <p class="problem" role="alert">
            {w('failed', { error: error().message })}
          </p>
        )}
      </Show>
      <Show when={response.state === 'ready' && traces().length === 0}>
        <p class="console-empty">{w('noTraces')}</p>
      </Show>
      <ul class="traces">
        <For each={traces()}>
          {(trace) => (
            <TraceRow
              trace={trace}
              longest={longest()}
              isOpen={opened() === trace.id}
              onOpen={() => setOpened((id) => (id === trace.id ? undefined : trace.id))}
            />
          )}
        </For>
      </ul>
    </div>
  )
}

function TraceRow(props: { trace: Trace; longest: number; isOpen: boolean; onOpen: () => void }) {
  const { w, clock, duration, count } = useConsoleWords()
  const first = () => props.trace.spans[0]
  const code = () => props.trace.spans.find((span) => span.code)?.code
  return (
    <li class="trace">
      <button type="button" class="trace-head" aria-expanded={props.isOpen} onClick={props.onOpen}>
        <time>{clock(first()?.at ?? 0)}</time>
        <span class="trace-name">
          <bdi>{first()?.name}</bdi>
          <Show when={props.trace.spans.length > 1}>
            <span class="step-version">{count(props.trace.spans.length)}</span>
          </Show>
          <Show when={code()}>{(failure) => <span class="step-code">{failure()}</span>}</Show>
        </span>
        <svg
          class="step-bar"
          classList={{ 'is-failed': code() !== undefined }}
          viewBox="0 0 100 10"
          preserveAspectRatio="none"
          aria-hidden="true"
        >
          <rect
            class="step-time"
            x="0"
            y="2"
            height="6"
            width={Math.max(0.6, (durationOf(props.trace) / props.longest) * 100)}
          />
        </svg>
        <span class="step-ms">{duration(durationOf(props.trace))}</span>
        <span class="visually-hidden">{w('steps', { name: first()?.name ?? '' })}</span>
      </button>
      <Show when={props.isOpen}>
        <Waterfall spans={props.trace.spans} />
      </Show>
    </li>
  )
}

function durationOf({ spans }: Trace): number {
  const start = Math.min(...spans.map(({ at }) => at))
  return Math.max(...spans.map(({ at, ms }) => at + ms)) - start
}
