export interface MetricSample {
  name: string
  labels: Record<string, string>
  value: number
}

const samplePattern = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/
const labelPattern = /^([a-z_]+)="([^"\\\n]*)"$/

/**
 * Parses the text format of Prometheus. Throws if a line is malformed, if the samples of a metric are
 * not together after their HELP and TYPE, or if two samples have the same name and labels.
 */
export function parseMetrics(text: string): MetricSample[] {
  if (!text.endsWith('\n')) throw new Error('The last line does not end in a line feed')
  const samples: MetricSample[] = []
  const seen = new Set<string>()
  let family = { name: '', type: '' }
  const check = (isRight: boolean, line: string, reason: string) => {
    if (!isRight) throw new Error(`${reason}: ${line}`)
  }
  const lines = text.slice(0, -1).split('\n')
  lines.forEach((line, index) => {
    const [, name = '', rest = ''] = /^# HELP (\w+) (.+)$/.exec(line) ?? []
    if (line.startsWith('# HELP')) {
      check(rest !== '' && !seen.has(name), line, 'malformed or repeated')
      seen.add(name)
      const [, type = ''] =
        new RegExp(`^# TYPE ${name} (counter|gauge|histogram)$`).exec(lines[index + 1] ?? '') ?? []
      check(type !== '', line, 'no TYPE follows')
      family = { name, type }
      return
    }
    if (line.startsWith('# TYPE')) return
    const [, sampleName = '', list = '', value] = samplePattern.exec(line) ?? []
    check(value !== undefined, line, 'malformed')
    const suffix = sampleName.slice(family.name.length)
    const suffixes = family.type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']
    check(
      sampleName.startsWith(family.name) && suffixes.includes(suffix),
      line,
      'of another metric',
    )
    check(!seen.has(`${sampleName}{${list}}`), line, 'repeated')
    seen.add(`${sampleName}{${list}}`)
    const labels = list === '' ? [] : list.split(',').map((pair) => labelPattern.exec(pair))
    check(!labels.includes(null), line, 'malformed labels')
    samples.push({
      name: sampleName,
      labels: Object.fromEntries(labels.map((found) => [found?.[1], found?.[2]])),
      value: Number(value),
    })
  })
  return samples
}

/** Returns the sum of the samples of the metric `name` that have these labels. */
export function sumOf(
  samples: readonly MetricSample[],
  name: string,
  labels: Record<string, string> = {},
): number {
  return samples
    .filter((sample) => sample.name === name)
    .filter((sample) => Object.entries(labels).every(([key, text]) => sample.labels[key] === text))
    .reduce((total, { value }) => total + value, 0)
}
