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

/** Answers the supervisor's queries in this process. The handlers must not throw. */
export function answerQueries(
  handlers: Readonly<Record<string, (input: never) => Promise<unknown>>>,
): void {
  process.on('message', async ({ natter, id, about, input }: Query) => {
    const handler = natter === 'query' && handlers[about]
    if (!handler) return
    const answer: Answer = { natter: 'answer', id, value: await handler(input as never) }
    process.send?.(answer, undefined, undefined, () => {})
  })
  // The listener must not keep the process alive when all other work is done.
  process.channel?.unref()
}

/** Returns the answer of an instance. Throws if it does not answer in time. */
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
