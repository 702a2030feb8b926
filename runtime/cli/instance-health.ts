import type { ChildProcess } from 'node:child_process'
import type { Health } from './health.ts'

/** Less than the second that Kubernetes waits by default; the metrics include an answer of NATS. */
const maxWaitMs = { notReady: 700, metrics: 3_000 }

interface Query {
  natter: 'health'
  id: number
  about: keyof Health
}

interface Answer {
  natter: 'health'
  id: number
  value: unknown
}

let queries = 0

/** Answers the supervisor's queries about the health of this process. */
export function answerHealthQueries(health: Health): void {
  process.on('message', async ({ natter, id, about }: Query) => {
    if (natter !== 'health') return
    const answer: Answer = { natter, id, value: await health[about]() }
    process.send?.(answer, undefined, undefined, () => {})
  })
  // The listener must not keep the process alive when all other work is done.
  process.channel?.unref()
}

/** Returns the health of an instance. Its methods throw if the instance does not answer in time. */
export function healthOf(child: ChildProcess): Health {
  return {
    notReady: () => ask(child, 'notReady') as ReturnType<Health['notReady']>,
    metrics: () => ask(child, 'metrics') as ReturnType<Health['metrics']>,
  }
}

async function ask(child: ChildProcess, about: keyof Health): Promise<unknown> {
  const query: Query = { natter: 'health', id: ++queries, about }
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  const onMessage = ({ natter, id, value }: Partial<Answer>) => {
    if (natter === 'health' && id === query.id) resolve(value)
  }
  child.on('message', onMessage)
  const late = setTimeout(() => reject(new Error('no answer')), maxWaitMs[about])
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
