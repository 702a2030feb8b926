import { createResource, For, type JSX, onCleanup, Show } from 'solid-js'
import type { ChatClient } from '../nats/chatClient.ts'
import { IconButton } from '../ui/IconButton.tsx'
import { ErrorChart, InFlightChart, RateChart, TimeChart } from './Charts.tsx'
import type { WatchedService } from './createConsole.ts'
import { pollMs } from './series.ts'
import { useConsoleWords } from './useWords.ts'

export function FunctionDetails(props: {
  name: string
  service: WatchedService
  client: ChatClient
  onClose: () => void
}) {
  const { w, number, count, duration, dateTime } = useConsoleWords()
  const sum = () => props.service.sum
  const samples = () => props.service.samples
  const [response, { refetch }] = createResource(() =>
    props.client.try('console.service', { name: props.name }),
  )
  const timer = setInterval(() => !document.hidden && void refetch(), pollMs * 2)
  onCleanup(() => clearInterval(timer))
  const instances = () => {
    const answer = response.latest
    return answer?.ok ? answer.value.instances : []
  }
  const ms = (value: number | undefined) =>
    value === undefined || sum().requests === 0 ? '–' : duration(value)
  const facts = () =>
    [
      [w('subject'), sum().subject],
      [w('trigger'), sum().trigger],
      [w('queue'), sum().queue],
      [w('audience'), sum().audience.join(', ')],
      [w('versions'), sum().versions.join(', ')],
      [w('lastError'), sum().lastError],
    ].filter(([, value]) => value)

  return (
    <section class="details" aria-label={w('details', { name: props.name })}>
      <header class="room-head">
        <h2>{props.name}</h2>
        <IconButton icon="close" label={w('close')} onClick={props.onClose} />
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable region must be focusable */}
      <section class="details-body" aria-label={w('sinceStart')} tabIndex={0}>
        <Show when={props.service.isGone}>
          <p class="problem">{w('noInstances')}</p>
        </Show>
        <p>{sum().description}</p>
        <Chart label={w('rate')} value={number(samples().at(-1)?.perSecond ?? 0)}>
          <RateChart samples={samples()} isLarge />
        </Chart>
        <Chart
          label={w('time')}
          value={`${ms(samples().at(-1)?.p50Ms)} · ${ms(samples().at(-1)?.p99Ms)}`}
        >
          <TimeChart samples={samples()} isLarge />
        </Chart>
        <Chart label={w('errorRate')} value={number(samples().at(-1)?.errorsPerSecond ?? 0)}>
          <ErrorChart samples={samples()} isLarge />
        </Chart>
        <Chart label={w('inFlight')} value={count(samples().at(-1)?.inFlight ?? 0)}>
          <InFlightChart samples={samples()} isLarge />
        </Chart>
        <dl class="details-facts">
          <For each={facts()}>
            {([label, value]) => (
              <div>
                <dt>{label}</dt>
                <dd>
                  <bdi>{value}</bdi>
                </dd>
              </div>
            )}
          </For>
        </dl>
        <h3>{w('sinceStart')}</h3>
        <dl class="details-numbers">
          <Fact label={w('requests')} value={count(sum().requests)} />
          <Fact label={w('errors')} value={count(sum().errors)} />
          <Fact label={w('shed')} value={count(sum().shed ?? 0)} />
          <Fact label={w('queued')} value={count(sum().queued ?? 0)} />
          <Fact label={w('average')} value={ms(sum().processingMs / Math.max(1, sum().requests))} />
          <Fact label="p50" value={ms(sum().p50Ms)} />
          <Fact label="p95" value={ms(sum().p95Ms)} />
          <Fact label="p99" value={ms(sum().p99Ms)} />
        </dl>
        <h3>{w('instances')}</h3>
        <table class="instances-table">
          <thead>
            <tr>
              <th scope="col">{w('process')}</th>
              <th scope="col">{w('version')}</th>
              <th scope="col">{w('requests')}</th>
              <th scope="col">{w('errors')}</th>
              <th scope="col">p99</th>
              <th scope="col">{w('since')}</th>
            </tr>
          </thead>
          <tbody>
            <For each={instances()}>
              {(instance) => (
                <tr>
                  <th scope="row" data-tip={instance.id}>
                    <bdi>{instance.process || instance.id}</bdi>
                  </th>
                  <td>{instance.version}</td>
                  <td>{count(instance.requests)}</td>
                  <td>{count(instance.errors)}</td>
                  <td>{ms(instance.p99Ms)}</td>
                  <td>{dateTime(instance.started)}</td>
                </tr>
              )}
            </For>
          </tbody>
        </table>
      </section>
    </section>
  )
}

function Chart(props: { label: string; value: string; children: JSX.Element }) {
  return (
    <div class="details-chart">
      <span class="details-chart-label">{props.label}</span>
      <strong>{props.value}</strong>
      {props.children}
    </div>
  )
}

function Fact(props: { label: string; value: string }) {
  return (
    <div>
      <dt>{props.label}</dt>
      <dd>{props.value}</dd>
    </div>
  )
}
