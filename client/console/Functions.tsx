import { createMemo, createSignal, For, type JSX, Match, Show, Switch } from 'solid-js'
import { ErrorChart, InFlightChart, RateChart, TimeChart } from './Charts.tsx'
import type { ConsoleState } from './createConsole.ts'
import { FunctionDetails } from './FunctionDetails.tsx'
import { FunctionTable, type SortColumn, sortNames } from './FunctionTable.tsx'
import { useConsoleWords } from './useWords.ts'

export function Functions(props: { statistics: ConsoleState }) {
  const { w, number, count, duration } = useConsoleWords()
  const [text, setText] = createSignal('')
  const [trigger, setTrigger] = createSignal('')
  const [sort, setSort] = createSignal<{ by: SortColumn; isDown: boolean }>({
    by: 'name',
    isDown: false,
  })
  const [opened, setOpened] = createSignal<string>()
  const serviceOf = (name: string) => props.statistics.byName[name]
  const triggers = createMemo(() => [
    ...new Set(props.statistics.names().flatMap((name) => serviceOf(name)?.sum.trigger || [])),
  ])
  const names = createMemo(() => {
    const query = text().trim().toLowerCase()
    const matches = props.statistics
      .names()
      .filter((name) => name.toLowerCase().includes(query))
      .filter((name) => trigger() === '' || serviceOf(name)?.sum.trigger === trigger())
    return sortNames(matches, props.statistics.byName, sort())
  })
  const all = () => props.statistics.all()
  const now = () => all().at(-1)
  const format = (value: number | undefined, show: (value: number) => string) =>
    value === undefined ? '–' : show(value)
  const isEmpty = () => props.statistics.names().length === 0

  return (
    <div class="console-body" classList={{ 'has-details': opened() !== undefined }}>
      <div class="console-main">
        <Switch>
          <Match when={isEmpty() && props.statistics.state().status === 'loading'}>
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
              <Tile label={w('rate')} value={format(now()?.perSecond, number)}>
                <RateChart samples={all()} isLarge />
              </Tile>
              <Tile label={w('slowest')} value={format(now()?.p99Ms, duration)}>
                <TimeChart samples={all()} isLarge />
              </Tile>
              <Tile label={w('errorRate')} value={format(now()?.errorsPerSecond, number)}>
                <ErrorChart samples={all()} isLarge />
              </Tile>
              <Tile label={w('inFlight')} value={format(now()?.inFlight, count)}>
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
                <option value="">{w('allTriggers')}</option>
                <For each={triggers()}>{(option) => <option value={option}>{option}</option>}</For>
              </select>
              <span class="muted">
                {w('of', { shown: names().length, total: props.statistics.names().length })}
              </span>
            </search>
            <FunctionTable
              names={names()}
              byName={props.statistics.byName}
              sort={sort()}
              onSort={(by) =>
                setSort((before) => ({
                  by,
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
          <Show when={serviceOf(name)}>
            {(service) => (
              <FunctionDetails
                name={name}
                service={service()}
                client={props.statistics.client}
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
