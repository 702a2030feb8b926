const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

interface Field {
  name: string
  min: number
  max: number
  names?: readonly string[]
}

const fields: readonly Field[] = [
  { name: 'second', min: 0, max: 59 },
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day of the month', min: 1, max: 31 },
  { name: 'month', min: 1, max: 12, names: months },
  { name: 'day of the week', min: 0, max: 6, names: days },
]
const predefined = /^@(yearly|annually|monthly|weekly|daily|midnight|hourly)$/
const monthDays = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
const daySeconds = 86_400

export function checkCron(expression: string): void {
  if (typeof expression !== 'string') throw new TypeError('cron is not a string')
  if (!predefined.test(expression)) readFields(expression)
}

const meanings: Readonly<Record<string, string>> = {
  '@yearly': '0 0 0 1 1 *',
  '@annually': '0 0 0 1 1 *',
  '@monthly': '0 0 0 1 * *',
  '@weekly': '0 0 0 * * 0',
  '@daily': '0 0 0 * * *',
  '@midnight': '0 0 0 * * *',
  '@hourly': '0 0 * * * *',
}

/**
 * Returns the longest time in seconds between two consecutive ticks of a valid cron expression.
 * Ignores clock changes, such as those for daylight saving time.
 */
export function longestCronGap(expression: string): number {
  const { fields, needsBoth } = readFields(meanings[expression] ?? expression)
  const [seconds, minutes, hours, dates, months, weekdays] = fields.map(
    ({ values }) => new Set(values),
  ) as [Set<number>, Set<number>, Set<number>, Set<number>, Set<number>, Set<number>]
  const times = [...hours]
    .flatMap((hour) => [...minutes].map((minute) => hour * 60 + minute))
    .flatMap((minute) => [...seconds].map((second) => minute * 60 + second))
    .sort((a, b) => a - b)
  const [first = 0, last = 0] = [times[0], times.at(-1)]
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0))
  let longest = gaps.reduce((a, b) => Math.max(a, b), 0)
  // A gap depends on the weekdays of the dates, so this visits the days of eight years and a month.
  // In them, each date falls on each weekday at least once, except the dates from January 30 to
  // February 29. The result may be too short only for an expression that restricts both the month
  // and the weekday.
  let lastDay: number | undefined
  for (let day = 0; day < 8 * 365 + 31; day++) {
    const at = new Date(day * daySeconds * 1_000)
    const [isDate, isWeekday] = [dates.has(at.getUTCDate()), weekdays.has(at.getUTCDay())]
    if (!months.has(at.getUTCMonth() + 1)) continue
    if (needsBoth ? !(isDate && isWeekday) : !(isDate || isWeekday)) continue
    if (lastDay !== undefined)
      longest = Math.max(longest, (day - lastDay) * daySeconds - last + first)
    lastDay = day
  }
  return longest
}

function readFields(expression: string) {
  const fault = (reason: string) => new RangeError(`cron is "${expression}": ${reason}`)
  const texts = expression.split(/\s+/).filter(Boolean)
  if (texts.length !== fields.length)
    throw fault(
      `use six fields (second, minute, hour, day of the month, month, day of the week), not ${texts.length}`,
    )
  const read = fields.map((field, index) => {
    const text = texts[index] ?? ''
    try {
      return readField(text, field)
    } catch (error) {
      throw fault(`the ${field.name} "${text}" ${(error as Error).message}`)
    }
  })
  const [, , , dates, months, weekdays] = read
  // By the rules of cron, a day must match both the day of the month and the day of the week if one
  // of these fields is a star. Otherwise, a day needs to match only one of them.
  const needsBoth = dates?.hasStar || weekdays?.hasStar
  const canFire = months?.values.some((month) =>
    dates?.values.some((date) => date <= (monthDays[month - 1] ?? 0)),
  )
  if (needsBoth && !canFire) throw fault('it never fires, because no such date exists')
  return { fields: read, needsBoth: needsBoth === true }
}

/**
 * Reads a list of ranges by the rules of nats-server, which are those of the Go package
 * robfig/cron.
 */
function readField(text: string, field: Field): { values: number[]; hasStar: boolean } {
  const ranges = text.split(',').filter(Boolean)
  if (ranges.length === 0) throw new RangeError('is empty')
  const read = ranges.map((range) => readRange(range, field))
  return {
    values: read.flatMap(({ values }) => values),
    hasStar: read.some(({ hasStar }) => hasStar),
  }
}

function readRange(text: string, field: Field) {
  const [range = '', stepText, ...moreSteps] = text.split('/')
  const [low = '', high, ...moreEnds] = range.split('-')
  if (moreSteps.length > 0 || moreEnds.length > 0) throw new RangeError('has too many / or -')
  const isStar = low === '*' || low === '?'
  const step = stepText === undefined ? 1 : readNumber(stepText)
  if (step === 0) throw new RangeError('has a step of 0')
  const start = isStar ? field.min : readValue(low, field)
  const openEnd = isStar || (high === undefined && stepText !== undefined)
  const end = openEnd ? field.max : high === undefined ? start : readValue(high, field)
  if (start < field.min || end > field.max)
    throw new RangeError(`is not within ${field.min} to ${field.max}`)
  if (start > end) throw new RangeError('begins after its end')
  const values = []
  for (let value = start; value <= end; value += step) values.push(value)
  return { values, hasStar: isStar && step === 1 }
}

function readValue(text: string, { min, names = [] }: Field) {
  const index = names.indexOf(text.toLowerCase())
  return index < 0 ? readNumber(text) : min + index
}

function readNumber(text: string) {
  if (/^\+?\d{1,9}$/.test(text)) return Number(text)
  throw new RangeError(`contains "${text}", which is not a number`)
}
