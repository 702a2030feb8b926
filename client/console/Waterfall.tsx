import { createMemo, For, Show } from 'solid-js'
import type { Span } from '#schema/messages/console'
import { useConsoleWords } from './useWords.ts'

interface Step<S extends Span> {
  span: S
  depth: number
}

const maxDepth = 6

export function Waterfall<
  S extends Span & { process?: string; error?: string | undefined },
>(props: { spans: readonly S[] }) {
  const { w, duration } = useConsoleWords()
  const steps = createMemo(() => orderSteps(props.spans))
  const start = () => Math.min(...props.spans.map(({ at }) => at))
  const end = () => Math.max(...props.spans.map(({ at, ms }) => at + ms))
  const share = (ms: number) => (ms / Math.max(end() - start(), 0.001)) * 100

  return (
    <ol class="waterfall" aria-label={w('steps', { name: steps()[0]?.span.name ?? '' })}>
      <For each={steps()}>
        {({ span, depth }) => (
          <li class={`step depth-${Math.min(depth, maxDepth)}`}>
            <span class="step-name">
              <bdi>{span.kind === 'append' ? w('pathLog', { subject: span.name }) : span.name}</bdi>
              <Show when={span.version}>
                <span class="step-version">{span.version}</span>
              </Show>
              <Show when={span.code}>
                <span class="step-code">{span.code}</span>
              </Show>
            </span>
            <svg
              class="step-bar"
              classList={{ 'is-failed': span.code !== undefined, 'is-log': span.kind === 'append' }}
              viewBox="0 0 100 10"
              preserveAspectRatio="none"
              aria-hidden="true"
            >
              <rect class="step-track" x="0" y="4.5" width="100" height="1" />
              <rect
                class="step-time"
                x={share(span.at - start())}
                y="1"
                width={Math.max(share(span.ms), 0.6)}
                height="8"
              />
            </svg>
            <span class="step-ms">
              <span class="muted">+{duration(span.at - start())}</span> {duration(span.ms)}
            </span>
            <Show when={span.process || span.error || (span.batch ?? 1) > 1}>
              <span class="step-note">
                {[
                  span.process,
                  (span.batch ?? 1) > 1 ? w('batch', { count: span.batch ?? 1 }) : '',
                  span.error,
                ]
                  .filter(Boolean)
                  .join(' · ')}
              </span>
            </Show>
          </li>
        )}
      </For>
    </ol>
  )
}

function orderSteps<S extends Span>(spans: readonly S[]): Step<S>[] {
  const ids = new Set(spans.map(({ id }) => id))
  const children = Map.groupBy(
    [...spans].sort((a, b) => a.at - b.at),
    ({ parent }) => (parent !== undefined && ids.has(parent) ? parent : ''),
  )
  const steps: Step<S>[] = []
  const visit = (parent: string, depth: number) => {
    for (const span of children.get(parent) ?? []) {
      steps.push({ span, depth })
      visit(span.id, depth + 1)
    }
  }
  visit('', 0)
  return steps
}
