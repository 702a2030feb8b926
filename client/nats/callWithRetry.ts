import type { InputOf, OutputOf } from '#runtime'
import { isCallError } from '#runtime/client'
import type { contracts } from '#schema/contracts'
import type { ChatClient } from './createConnection.ts'

type Name = keyof typeof contracts

/** These say nothing about the question: it may be asked again. */
const passing = new Set(['disconnected', 'timeout', 'unavailable', 'overloaded'])
const waitsMs = [200, 1_000, 3_000]

/**
 * Asks what may be asked twice: again after a moment when the connection or the function was away.
 * Rejects with the last refusal.
 */
export async function ask<N extends Name>(
  client: ChatClient,
  name: N,
  input: InputOf<(typeof contracts)[N]>,
): Promise<OutputOf<(typeof contracts)[N]>> {
  for (const waitMs of waitsMs) {
    try {
      return await client.call(name, input)
    } catch (error) {
      if (!isPassing(error)) throw error
      await new Promise((resolve) => setTimeout(resolve, waitMs))
    }
  }
  return client.call(name, input)
}

/** Whether trying again may help. */
export function isPassing(error: unknown): boolean {
  return isCallError(error) && passing.has(error.code)
}
