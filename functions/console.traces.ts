import { takeWithinBytes } from '#domain/messages/response-size'
import { toConsoleSpan } from '#domain/monitoring/services'
import { defineFunction } from '#runtime'
import { consoleTraces } from '#schema/messages/console'

const [maxTraces, maxSpans] = [50, 100]

export default defineFunction(
  consoleTraces,
  async ({ only }, { system }) => {
    const newest = await system.spans({ limit: 300, ...(only ? { only } : {}) })
    // Omits the console's own calls: the console polls, so its calls would fill the list of traces.
    const others = newest.filter(({ name }) => !name.startsWith('console.'))
    others.sort((a, b) => b.at - a.at)
    const ids = [...new Set(others.map(({ trace }) => trace))].slice(0, maxTraces)
    const spans = ids.length === 0 ? [] : await system.spans({ traces: ids })
    const byTrace = Map.groupBy(spans, ({ trace }) => trace)
    const traces = ids.flatMap((id) => {
      const inOrder = (byTrace.get(id) ?? []).sort((a, b) => a.at - b.at).slice(0, maxSpans)
      return inOrder.length === 0 ? [] : { id, spans: inOrder.map(toConsoleSpan) }
    })
    return { traces: takeWithinBytes(traces) }
  },
  { limit: { max: 60, windowMs: 60_000 } },
)
