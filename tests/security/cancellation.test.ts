import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClient } from '#runtime/client'
import { count, createLoginFixture, type LoginFixture } from '../support/login-fixture.ts'

describe('a function that a logged-in user has called', { timeout: 60_000 }, () => {
  let fixture: LoginFixture
  let functions: NatsConnection

  beforeAll(async () => {
    fixture = await createLoginFixture()
    const { username, password, host } = new URL(fixture.nats.urlOf('functions'))
    functions = await connect({ servers: host, user: username, pass: password })
  })
  afterAll(async () => {
    await functions?.close()
    await fixture?.[Symbol.asyncDispose]()
  })

  /**
   * Receives numbers from the function, and calls `end` after the number 3. Returns the reason for
   * which the function was aborted.
   */
  async function countToThree(end: (nc: NatsConnection) => Promise<void>): Promise<string> {
    const id = crypto.randomUUID()
    const ends = functions.subscribe(`counted.${id}`, { max: 1 })
    await functions.flush()
    const token = await fixture.tokenIssuer.token({ preferred_username: 'alice' })
    const nc = await fixture.connect(token)
    const client = createClient(nc, { contracts: { count }, user: 'alice' })
    const numbers: number[] = []
    for await (const { number } of client.stream('count', { id })) {
      numbers.push(number)
      if (number < 3) continue
      await end(nc)
      break
    }
    expect(numbers).toEqual([1, 2, 3])
    const [message] = await Array.fromAsync(ends)
    await nc.close()
    return message?.json<{ why: string }>().why ?? ''
  }

  it('is cancelled when the user ends the call', async () => {
    expect(await countToThree(async () => {})).toBe('The caller has cancelled the call')
  })

  it('is cancelled when the connection of the user has closed', async () => {
    const reason = await countToThree(async (nc) => nc.close())

    expect(reason).toBe('The caller is no longer connected')
  })
})
