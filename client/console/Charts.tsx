import { Sparkline } from './Sparkline.tsx'
import type { Sample } from './series.ts'
import { useConsoleWords } from './useWords.ts'

interface ChartProps {
  samples: readonly Sample[]
  isLarge?: boolean
}

export function RateChart(props: ChartProps) {
  const { w, number } = useConsoleWords()
  const values = () => props.samples.map(({ perSecond }) => perSecond)
  return (
    <Sparkline
      isLarge={props.isLarge ?? false}
      lines={[{ kind: 'main', values: values() }]}
      label={`${w('rate')}: ${describeValues(values(), number, w)}`}
    />
  )
}

export function TimeChart(props: ChartProps) {
  const { w, duration } = useConsoleWords()
  const slow = () => props.samples.map(({ p99Ms }) => p99Ms)
  const median = () => props.samples.map(({ p50Ms }) => p50Ms)
  return (
    <Sparkline
      isLarge={props.isLarge ?? false}
      lines={[
        { kind: 'second', values: slow() },
        { kind: 'main', values: median() },
      ]}
      label={`${w('time')}: ${describeValues(slow(), duration, w)}`}
    />
  )
}

export function ErrorChart(props: ChartProps) {
  const { w, number } = useConsoleWords()
  const values = () => props.samples.map(({ errorsPerSecond }) => errorsPerSecond)
  return (
    <Sparkline
      isLarge={props.isLarge ?? false}
      lines={[{ kind: 'danger', values: values() }]}
      label={`${w('errorRate')}: ${describeValues(values(), number, w)}`}
    />
  )
}

export function InFlightChart(props: ChartProps) {
  const { w, count } = useConsoleWords()
  const values = () => props.samples.map(({ inFlight }) => inFlight)
  return (
    <Sparkline
      isLarge={props.isLarge ?? false}
      lines={[{ kind: 'main', values: values() }]}
      label={`${w('inFlight')}: ${describeValues(values(), count, w)}`}
    />
  )
}

function describeValues(
  values: readonly (number | undefined)[],
  show: (value: number) => string,
  w: ReturnType<typeof useConsoleWords>['w'],
) {
  const defined = values.filter((value) => value !== undefined)
  const latest = values.at(-1)
  return w('now', {
    value: latest === undefined ? '–' : show(latest),
    highest: defined.length === 0 ? '–' : show(Math.max(...defined)),
  })
}
