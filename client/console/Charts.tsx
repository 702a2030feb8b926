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
      label={`${w('rate')}: ${describe(values(), number, w)}`}
    />
  )
}

export function TimeChart(props: ChartProps) {
  const { w, duration } = useConsoleWords()
  const slow = () => props.samples.map(({ p99Ms }) => p99Ms)
  const usual = () => props.samples.map(({ p50Ms }) => p50Ms)
  return (
    <Sparkline
      isLarge={props.isLarge ?? false}
      lines={[
        { kind: 'second', values: slow() },
        { kind: 'main', values: usual() },
      ]}
      label={`${w('time')}: ${describe(slow(), duration, w)}`}
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
      label={`${w('errorRate')}: ${describe(values(), number, w)}`}
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
      label={`${w('inFlight')}: ${describe(values(), count, w)}`}
    />
  )
}

/** What a chart shows, in words. */
function describe(
  values: readonly (number | undefined)[],
  show: (value: number) => string,
  w: ReturnType<typeof useConsoleWords>['w'],
) {
  const known = values.filter((value) => value !== undefined)
  const now = values.at(-1)
  return w('now', {
    value: now === undefined ? '–' : show(now),
    highest: known.length === 0 ? '–' : show(Math.max(...known)),
  })
}
