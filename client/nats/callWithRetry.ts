import type { InputOf, OutputOf } from '#runtime'
import { isCallError } from '#runtime/client'
import type { contracts } from '#schema/contracts'
import type { ChatClient } from './chatClient.ts'

type Name = keyof typeof contracts

const transientCodes = new Set(['disconnected', 'timeout', 'unavailable', 'overloaded'])
const retryDelaysMs = [200, 1_000, 3_000]
export const retryDelayMs = 5_000

/**
 * Calls an idempotent function. Retries after transient errors; throws the error of the last attempt.
 */
export async function callWithRetry<N extends Name>(
  client: ChatClient,
  name: N,
  input: InputOf<(typeof contracts)[N]>,
): Promise<OutputOf<(typeof contracts)[N]>> {
  for (const delayMs of retryDelaysMs) {
    try {
      return await client.call(name, input)
    } catch (error) {
      if (!isTransient(error)) throw error
      await new Promise((resolve) => setTimeout(resolve, delayMs))
    }
  }
  return client.call(name, input)
}

export function retryDelayOf(error: unknown): number {
  return (isCallError(error) && error.retryAfterMs) || retryDelayMs
}

export function isTransient(error: unknown): boolean {
  return isCallError(error) && transientCodes.has(error.code)
}
