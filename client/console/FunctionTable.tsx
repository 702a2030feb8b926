import { For, Show } from 'solid-js'
import { Icon } from '../ui/Icon.tsx'
import { ErrorChart, InFlightChart, RateChart, TimeChart } from './Charts.tsx'
import type { WatchedService } from './createConsole.ts'
import { useConsoleWords } from './useWords.ts'

const columns = ['name', 'instances', 'rate', 'time', 'errors', 'inFlight'] as const
export type SortColumn = (typeof columns)[number]

interface Sort {
  by: SortColumn
  isDown: boolean
}

export function sortNames(
  names: readonly string[],
  byName: Readonly<Record<string, WatchedService>>,
  { by, isDown }: Sort,
): string[] {
  const sorted = [...names].sort((a, b) => {
    const order =
      by === 'name' ? a.localeCompare(b) : measure(byName[a], by) - measure(byName[b], by)
    return (isDown ? -order : order) || a.localeCompare(b)
  })
  return sorted
}

function measure(service: WatchedService | undefined, by: Exclude<SortColumn, 'name'>): number {
  if (!service) return 0
  const last = service.samples.at(-1)
  if (by === 'instances') return service.sum.instances
  if (by === 'rate') return last?.perSecond ?? 0
  if (by === 'time') return last?.p99Ms ?? 0
  return by === 'errors' ? service.sum.errors : (last?.inFlight ?? 0)
}

export function FunctionTable(props: {
  names: readonly string[]
  byName: Readonly<Record<string, WatchedService>>
  sort: Sort
  onSort: (by: SortColumn) => void
  opened: string | undefined
  onOpen: (name: string) => void
}) {
  const { w } = useConsoleWords()
  const order = (column: SortColumn) => {
    if (props.sort.by !== column) return undefined
    return props.sort.isDown ? 'descending' : 'ascending'
  }
  return (
    <table class="console-table">
      <thead>
        <tr>
          <For each={columns}>
            {(column) => (
              <th scope="col" class={`is-${column}`} aria-sort={order(column) ?? 'none'}>
                <button type="button" onClick={() => props.onSort(column)}>
                  {w(column)}
                  <Show when={order(column)}>
                    <Icon name={props.sort.isDown ? 'down' : 'up'} />
                  </Show>
                </button>
              </th>
            )}
          </For>
        </tr>
      </thead>
      <tbody>
        <For each={props.names}>
          {(name) => (
            <Show when={props.byName[name]}>
              {(service) => (
                <FunctionRow
                  name={name}
                  service={service()}
                  isOpen={props.opened === name}
                  onOpen={() => props.onOpen(name)}
                />
              )}
            </Show>
          )}
        </For>
      </tbody>
    </table>
  )
}

function FunctionRow(props: {
  name: string
  service: WatchedService
  isOpen: boolean
  onOpen: () => void
}) {
  const { w, number, count, duration } = useConsoleWords()
  const sum = () => props.service.sum
  const last = () => props.service.samples.at(-1)
  const samples = () => props.service.samples
  const format = (value: number | undefined, show: (value: number) => string) =>
    value === undefined ? '–' : show(value)
  return (
    <tr classList={{ 'is-gone': props.service.isGone, 'is-open': props.isOpen }}>
      <th scope="row" class="is-name">
        <button type="button" aria-expanded={props.isOpen} onClick={props.onOpen}>
          {props.name}
        </button>
        <span class="muted">{props.service.isGone ? w('noInstances') : sum().trigger}</span>
      </th>
      <td class="is-instances">{props.service.isGone ? 0 : count(sum().instances)}</td>
      <td class="is-rate">
        <RateChart samples={samples()} />
        <span>{format(last()?.perSecond, number)}</span>
      </td>
      <td class="is-time">
        <TimeChart samples={samples()} />
        <span>
          {format(last()?.p50Ms, duration)}
          <span class="muted"> · {format(last()?.p99Ms, duration)}</span>
        </span>
      </td>
      <td class="is-errors" classList={{ 'has-errors': sum().errors > 0 }}>
        <ErrorChart samples={samples()} />
        <span class="errors-count">{count(sum().errors)}</span>
      </td>
      <td class="is-inFlight">
        <InFlightChart samples={samples()} />
        <span>{count(last()?.inFlight ?? 0)}</span>
      </td>
    </tr>
  )
}
