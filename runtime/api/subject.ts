/**
 * Subjects as templates: `room.join.{room}`. What stands in braces is one token of the subject and
 * one field of the data; the payload does not say it again. Safe in a browser.
 */

/** The names in braces of a template: `'room' | 'threadId'`. */
export type ParamNames<Template extends string> =
  Template extends `${string}{${infer Name}}${infer Rest}` ? Name | ParamNames<Rest> : never

/** The token that carries who calls. The server checks it; see nats.conf. */
export const callerParam = 'caller'

export interface Subject {
  readonly template: string
  /** What to subscribe to: `room.join.*`. */
  readonly pattern: string
  /** The names in braces, in order. */
  readonly params: readonly string[]
  /**
   * The subject with its tokens filled in; `caller` goes where {caller} stands. Throws a RangeError
   * for a value that is no safe token.
   */
  fill(values: Record<string, unknown>, caller?: string): string
  /** What to subscribe to when some values are known: the rest stay `*`. */
  narrow(values: Record<string, unknown>): string
  /** The values that the subject does not carry: what is left for the payload. */
  rest(values: Record<string, unknown>): Record<string, unknown>
  /** The values a subject carries. The subject must match the pattern. */
  read(subject: string): Record<string, string>
  /** Where {caller} stands among the tokens; -1 if it does not. */
  readonly callerAt: number
  /** Where the other names in braces stand among the tokens. */
  readonly places: readonly { name: string; index: number }[]
}

const token = /^[A-Za-z0-9_-]{1,64}$/
const literal = /^[A-Za-z0-9_$-]+$/
const braces = /^\{([A-Za-z][A-Za-z0-9]*)\}$/

/** One token of a subject. Cheaper than to split all of it, on the way of each request. */
export function tokenAt(subject: string, index: number): string {
  let start = 0
  for (let left = index; left > 0; left--) start = subject.indexOf('.', start) + 1
  const end = subject.indexOf('.', start)
  return end < 0 ? subject.slice(start) : subject.slice(start, end)
}

/** Whether a value can stand in a subject as one token and mean only itself. */
export function isToken(value: unknown): value is string {
  return typeof value === 'string' && token.test(value)
}

/** Reads a template. Throws a SyntaxError that names the token which does not fit. */
export function parseSubject(template: string): Subject {
  const parts = template.split('.').map((part) => {
    const param = braces.exec(part)?.[1]
    if (param === undefined && !literal.test(part))
      throw new SyntaxError(
        `subject "${template}" has the token "${part}": use letters, digits, _ and -, or {name}`,
      )
    return { part, param }
  })
  const positions = parts.flatMap(({ param }, index) => (param ? [{ param, index }] : []))
  const params = positions.map(({ param }) => param)
  const twice = params.find((param, index) => params.indexOf(param) !== index)
  if (twice) throw new SyntaxError(`subject "${template}" names {${twice}} twice`)

  const write = (values: Record<string, unknown>, caller?: string, missing?: string) => {
    let subject = ''
    for (const { part, param } of parts) {
      if (subject !== '') subject += '.'
      if (param === undefined) {
        subject += part
        continue
      }
      const value = param === callerParam ? caller : values[param]
      if (value === undefined && missing !== undefined) {
        subject += missing
        continue
      }
      if (!isToken(value))
        throw new RangeError(
          `${JSON.stringify(value) ?? 'nothing'} cannot be {${param}} in subject "${template}": ` +
            'a token is 1 to 64 letters, digits, _ or -',
        )
      subject += value
    }
    return subject
  }
  const carried = new Set(params)

  return {
    template,
    pattern: parts.map(({ part, param }) => (param ? '*' : part)).join('.'),
    params,
    fill: (values, caller) => write(values, caller),
    narrow: (values) => write(values, undefined, '*'),
    rest(values) {
      if (carried.size === 0) return values
      const rest: Record<string, unknown> = {}
      for (const key in values) if (!carried.has(key)) rest[key] = values[key]
      return rest
    },
    callerAt: parts.findIndex(({ param }) => param === callerParam),
    places: positions.flatMap(({ param, index }) =>
      param === callerParam ? [] : [{ name: param, index }],
    ),
    read(subject) {
      const tokens = subject.split('.')
      const values: Record<string, string> = {}
      for (const { param, index } of positions) values[param] = tokens[index] ?? ''
      return values
    },
  }
}

/** Whether one subject could match both patterns. */
export function overlaps(a: string, b: string): boolean {
  const left = a.split('.')
  const right = b.split('.')
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const [l, r] = [left[index], right[index]]
    if (l === '>' || r === '>') return l !== undefined && r !== undefined
    if (l === undefined || r === undefined) return false
    if (l !== r && l !== '*' && r !== '*') return false
  }
  return true
}

/** What a function is called where dots mean something: as a service, and as a consumer. */
export function toServiceName(name: string): string {
  return name.replaceAll('.', '-')
}
