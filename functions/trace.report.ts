import { defineFunction, FunctionError } from '#runtime'
import { traceReport } from '#schema/messages/trace'

/**
 * Spans are rejected if the client's clock differs from the clock of this process by more than
 * this: they would lie outside of the time range in which their trace is displayed.
 */
const maxClockErrorMs = 24 * 3_600_000

export default defineFunction(
  traceReport,
  ({ spans }, { system }) => {
    const now = Date.now()
    const wrong = spans.find(({ at }) => Math.abs(Date.parse(at) - now) > maxClockErrorMs)
    if (wrong) throw new FunctionError('invalid', `The time ${wrong.at} is more than a day off`)
    const exported = spans.map((span) => ({ ...span, at: Date.parse(span.at) }))
    return { isExported: system.exportSpans('natter-web', exported) }
  },
  { limit: { max: 30, windowMs: 60_000 } },
)
