import type { InputOf, OutputOf } from '#runtime'
import { isCallError } from '#runtime/client'
import type { contracts } from '#schema/contracts'
import type { ChatClient } from './chatClient.ts'

type Name = keyof typeof contracts

/** These say nothing about the question: it may be asked again. */
const transientCodes = new Set(['disconnected', 'timeout', 'unavailable', 'overloaded'])
const retryDelaysMs = [200, 1_000, 3_000]

/**
 * Asks what may be asked twice: again after a moment when the connection or the function was away.
 * Rejects with the last refusal.
 */
export async function callWithRetry<N extends Name>(
  client: ChatClient,
  name: N,
  input: InputOf<(typeof contracts)[N]>,
): Promise<OutputOf<(typeof contracts)[N]>> {
  for (const waitMs of retryDelaysMs) {
    try {
      return await client.call(name, input)
    } catch (error) {
      if (!isTransient(error)) throw error
      await new Promise((resolve) => setTimeout(resolve, waitMs))
    }
  }
  return client.call(name, input)
}

/** Whether trying again may help. */
export function isTransient(error: unknown): boolean {
  return isCallError(error) && transientCodes.has(error.code)
}
