import type { ChildProcess } from 'node:child_process'

interface Query {
  natter: 'query'
  id: number
  about: string
  input: unknown
}

interface Answer {
  natter: 'answer'
  id: number
  value: unknown
}

let queries = 0

/**
 * Makes this instance answer the supervisor's queries. `about` in a query is the name of its
 * handler. A handler must not throw, because the supervisor would receive no answer.
 */
export function answerQueries(
  handlers: Readonly<Record<string, (input: never) => Promise<unknown>>>,
): void {
  process.on('message', async ({ natter, id, about, input }: Query) => {
    const handler = natter === 'query' && handlers[about]
    if (!handler) return
    const answer: Answer = { natter: 'answer', id, value: await handler(input as never) }
    process.send?.(answer, undefined, undefined, () => {})
  })
  // The IPC channel must not keep the process alive when all other work is done.
  process.channel?.unref()
}

/** Queries an instance, and returns its answer. Throws if none arrives within `maxWaitMs`. */
export async function queryInstance(
  child: ChildProcess,
  about: string,
  input: unknown,
  maxWaitMs: number,
): Promise<unknown> {
  const query: Query = { natter: 'query', id: ++queries, about, input }
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  const onMessage = ({ natter, id, value }: Partial<Answer>) => {
    if (natter === 'answer' && id === query.id) resolve(value)
  }
  child.on('message', onMessage)
  const late = setTimeout(() => reject(new Error('no answer')), maxWaitMs)
  child.send(query, (error) => {
    if (error) reject(error)
  })
  try {
    return await promise
  } finally {
    clearTimeout(late)
    child.off('message', onMessage)
  }
}
