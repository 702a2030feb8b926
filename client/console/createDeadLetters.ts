import { createSignal } from 'solid-js'
import { isCallError } from '#runtime/client'
import type { DeadLetter } from '#schema/messages/console'
import { callWithRetry } from '../nats/callWithRetry.ts'
import type { ChatClient } from '../nats/chatClient.ts'

export type DeadLetterAction = 'replay' | 'discard'
export type Outcome = { status: 'done' | 'gone' } | { status: 'failed'; error: string }

export function createDeadLetters(client: ChatClient) {
  const [letters, setLetters] = createSignal<readonly DeadLetter[]>()
  const [total, setTotal] = createSignal(0)
  const [hasMore, setHasMore] = createSignal(false)
  const [problem, setProblem] = createSignal<string>()

  async function load(after: number) {
    try {
      const page = await callWithRetry(client, 'console.dead', { after })
      setProblem()
      setLetters((before = []) => [...(after === 0 ? [] : before), ...page.letters])
      setTotal(page.total)
      setHasMore(page.hasMore)
    } catch (error) {
      setProblem((error as Error).message)
    }
  }
  void load(0)

  return {
    letters,
    total,
    hasMore,
    problem,
    refresh: () => load(0),
    more: () => load(letters()?.at(-1)?.seq ?? 0),
    async act(action: DeadLetterAction, { seq }: DeadLetter): Promise<Outcome> {
      try {
        const { done } =
          action === 'replay'
            ? await client.call('console.replay', { seq })
            : await client.call('console.discard', { seq })
        setLetters((before = []) => before.filter((letter) => letter.seq !== seq))
        setTotal((before) => Math.max(0, before - 1))
        return { status: done ? 'done' : 'gone' }
      } catch (error) {
        if (!isCallError(error)) throw error
        return { status: 'failed', error: error.message }
      }
    },
  }
}
