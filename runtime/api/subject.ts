export type ParamNames<Template extends string> =
  Template extends `${string}{${infer Name}}${infer Rest}` ? Name | ParamNames<Rest> : never

/**
 * The parameter that holds the calling user's id. A user's permissions on nats-server do not allow
 * subjects with the id of another user, so a client cannot forge it.
 */
export const callerParam = 'caller'

/**
 * A parsed subject template: `room.join.{room}`. A parameter is one token of the subject and one
 * field of the data; the payload does not repeat the field.
 */
export interface Subject {
  readonly template: string
  /** The subject to subscribe to: `room.join.*`. */
  readonly pattern: string
  readonly params: readonly string[]
  /**
   * Returns the subject with `values` in place of the parameters, and `caller` in place of `{caller}`.
   * Throws a RangeError for a value that is not a valid token.
   */
  fill(values: Record<string, unknown>, caller?: string): string
  /**
   * Returns the subject with `values` in place of the parameters, `caller` in place of `{caller}`, and
   * `*` for missing values.
   */
  narrow(values: Record<string, unknown>, caller?: string): string
  /** Returns the values that are not parameters of the subject: the payload. */
  rest(values: Record<string, unknown>): Record<string, unknown>
  read(subject: string): Record<string, string>
  /** The token index of `{caller}`; -1 if the template has no `{caller}`. */
  readonly callerIndex: number
  readonly paramPositions: readonly { name: string; index: number }[]
}

const token = /^[A-Za-z0-9_-]{1,64}$/
const literal = /^[A-Za-z0-9_$-]+$/
const braces = /^\{([A-Za-z][A-Za-z0-9]*)\}$/

/**
 * Returns one token of a subject. Does not use `split`, which is slower: this runs for each
 * request.
 */
export function tokenAt(subject: string, index: number): string {
  let start = 0
  for (let left = index; left > 0; left--) start = subject.indexOf('.', start) + 1
  const end = subject.indexOf('.', start)
  return end < 0 ? subject.slice(start) : subject.slice(start, end)
}

export function isToken(value: unknown): value is string {
  return typeof value === 'string' && token.test(value)
}

/**
 * Parses a subject template. Throws a SyntaxError that names a malformed token or a repeated parameter.
 */
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
  const repeated = params.find((param, index) => params.indexOf(param) !== index)
  if (repeated) throw new SyntaxError(`subject "${template}" names {${repeated}} twice`)

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
    narrow: (values, caller) => write(values, caller, '*'),
    rest(values) {
      if (carried.size === 0) return values
      const rest: Record<string, unknown> = {}
      for (const key in values) if (!carried.has(key)) rest[key] = values[key]
      return rest
    },
    callerIndex: parts.findIndex(({ param }) => param === callerParam),
    paramPositions: positions.flatMap(({ param, index }) =>
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

/**
 * Returns the name of a function's micro service and consumer. NATS allows no dots in these names.
 */
export function toServiceName(name: string): string {
  return name.replaceAll('.', '-')
}
