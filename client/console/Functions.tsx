import { createMemo, createSignal, For, type JSX, Match, Show, Switch } from 'solid-js'
import { ErrorChart, InFlightChart, RateChart, TimeChart } from './Charts.tsx'
import type { ConsoleState } from './createConsole.ts'
import { FunctionDetails } from './FunctionDetails.tsx'
import { FunctionTable, type SortColumn, sortNames } from './FunctionTable.tsx'
import { useConsoleWords } from './useWords.ts'

/** All functions: together in charts, and one by one in a table. */
export function Functions(props: { watching: ConsoleState }) {
  const { w, number, count, duration } = useConsoleWords()
  const [text, setText] = createSignal('')
  const [trigger, setTrigger] = createSignal('')
  const [sort, setSort] = createSignal<{ by: SortColumn; isDown: boolean }>({
    by: 'name',
    isDown: false,
  })
  const [opened, setOpened] = createSignal<string>()
  const found = (name: string) => props.watching.byName[name]
  const triggers = createMemo(() => [
    ...new Set(props.watching.names().flatMap((name) => found(name)?.sum.trigger || [])),
  ])
  const names = createMemo(() => {
    const wanted = text().trim().toLowerCase()
    const chosen = props.watching
      .names()
      .filter((name) => name.toLowerCase().includes(wanted))
      .filter((name) => trigger() === '' || found(name)?.sum.trigger === trigger())
    return sortNames(chosen, props.watching.byName, sort())
  })
  const all = () => props.watching.all()
  const now = () => all().at(-1)
  const shown = (value: number | undefined, show: (value: number) => string) =>
    value === undefined ? '–' : show(value)
  const isEmpty = () => props.watching.names().length === 0

  return (
    <div class="console-body" classList={{ 'has-details': opened() !== undefined }}>
      <div class="console-main">
        <Switch>
          <Match when={isEmpty() && props.watching.state().status === 'loading'}>
            <p class="console-empty" role="status">
              {w('loading')}
            </p>
          </Match>
          <Match when={isEmpty()}>
            <div class="console-empty" role="status">
              <h2>{w('none')}</h2>
              <p>{w('noneHint')}</p>
            </div>
          </Match>
          <Match when={!isEmpty()}>
            <div class="tiles">
              <Tile label={w('rate')} value={shown(now()?.perSecond, number)}>
                <RateChart samples={all()} isLarge />
              </Tile>
              <Tile label={w('slowest')} value={shown(now()?.p99Ms, duration)}>
                <TimeChart samples={all()} isLarge />
              </Tile>
              <Tile label={w('errorRate')} value={shown(now()?.errorsPerSecond, number)}>
                <ErrorChart samples={all()} isLarge />
              </Tile>
              <Tile label={w('inFlight')} value={shown(now()?.inFlight, count)}>
                <InFlightChart samples={all()} isLarge />
              </Tile>
            </div>
            <search class="console-filter">
              <input
                class="input"
                type="search"
                placeholder={w('filter')}
                aria-label={w('filter')}
                value={text()}
                onInput={({ currentTarget }) => setText(currentTarget.value)}
              />
              <select
                class="input"
                aria-label={w('trigger')}
                value={trigger()}
                onChange={({ currentTarget }) => setTrigger(currentTarget.value)}
              >
                <option value="">{w('every')}</option>
                <For each={triggers()}>{(one) => <option value={one}>{one}</option>}</For>
              </select>
              <span class="muted">
                {w('of', { shown: names().length, total: props.watching.names().length })}
              </span>
            </search>
            <FunctionTable
              names={names()}
              byName={props.watching.byName}
              sort={sort()}
              onSort={(by) =>
                setSort((before) => ({
                  by,
                  // Numbers are looked at from the highest down.
                  isDown: before.by === by ? !before.isDown : by !== 'name',
                }))
              }
              opened={opened()}
              onOpen={(name) => setOpened((before) => (before === name ? undefined : name))}
            />
            <Show when={names().length === 0}>
              <p class="console-empty" role="status">
                {w('noMatch')}
              </p>
            </Show>
          </Match>
        </Switch>
      </div>
      <Show when={opened()} keyed>
        {(name) => (
          <Show when={found(name)}>
            {(watched) => (
              <FunctionDetails
                name={name}
                watched={watched()}
                client={props.watching.client}
                onClose={() => setOpened()}
              />
            )}
          </Show>
        )}
      </Show>
    </div>
  )
}

function Tile(props: { label: string; value: string; children: JSX.Element }) {
  return (
    <section class="tile" aria-label={props.label}>
      <h2>{props.label}</h2>
      <p class="tile-value">{props.value}</p>
      {props.children}
    </section>
  )
}
