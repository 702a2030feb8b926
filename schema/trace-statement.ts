import { type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'

const tracer = trace.getTracer('natter.postgresql')
/**
 * Longer statements are cut in the span: the text of an insert grows with the number of its rows.
 */
const maxTextLength = 2_000

/**
 * Runs a statement, and records a span for it as a child of the active span. If no active span is
 * recorded, only runs the statement. `text` must contain placeholders instead of values, because
 * the span contains it.
 */
export function traceStatement<Query extends PromiseLike<unknown>>(
  text: string,
  run: () => Query,
): Query {
  if (!trace.getActiveSpan()?.isRecording()) return run()
  const span = tracer.startSpan(summarize(text), {
    kind: SpanKind.CLIENT,
    attributes: { 'db.system.name': 'postgresql', 'db.query.text': text.slice(0, maxTextLength) },
  })
  return endWith(run(), span)
}

/**
 * Ends the span when the query ends. Wraps `then` and does not call it, because the driver runs a
 * query at the first call of `then`.
 */
function endWith<Query extends PromiseLike<unknown>>(query: Query, span: Span): Query {
  const subscribe = query.then.bind(query)
  let isWatched = false
  const then: typeof subscribe = (onValue, onError) => {
    if (!isWatched)
      subscribe(
        () => span.end(),
        (error) => endFailed(span, error),
      )
    isWatched = true
    return subscribe(onValue, onError)
  }
  return Object.assign(query, { then })
}

/** The error's message is left out, because it can contain a value. */
function endFailed(span: Span, error: unknown) {
  const { code } = error as { code?: unknown }
  if (typeof code === 'string') span.setAttribute('db.response.status_code', code)
  span.setStatus({ code: SpanStatusCode.ERROR })
  span.end()
}

/** Returns the name of the span: the operation and the first table, such as `SELECT rooms`. */
function summarize(text: string): string {
  const [, operation = 'query'] = /^[\s(]*(\w+)/.exec(text) ?? []
  const [, table = ''] = /\b(?:from|into|update)\s+(?:"\w+"\.)?"?(\w+)/i.exec(text) ?? []
  return `${operation.toUpperCase()} ${table}`.trimEnd()
}
