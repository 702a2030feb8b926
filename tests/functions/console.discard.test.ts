import { describe, expect, it } from 'vitest'
import { useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'
import { writeDeadLetter } from '../support/dead-letters.ts'

const app = useApp()

async function createDeadLetter() {
  const { nc } = await app.connectAs('functions')
  const room = await app.createRoom(['bob'])
  const { seq } = await app.send(room, 'hm', 'bob')
  return writeDeadLetter(nc, seq, 'nobody knows')
}

async function exists(seq: number) {
  const { letters } = await app.call('console.dead', { after: seq - 1, limit: 1 }, 'alice')
  return letters[0]?.seq === seq
}

describe('console.discard', () => {
  it('deletes a dead letter, and returns done: false for a second call with the same dead letter', async () => {
    const seq = await createDeadLetter()

    expect(await app.call('console.discard', { seq }, 'alice')).toEqual({ done: true })
    expect(await app.call('console.discard', { seq }, 'alice')).toEqual({ done: false })

    expect(await exists(seq)).toBe(false)
  })

  it('deletes only the given dead letter', async () => {
    const [first, second] = [await createDeadLetter(), await createDeadLetter()]

    await app.call('console.discard', { seq: first }, 'alice')

    expect(await exists(second)).toBe(true)
  })

  it.each(['bob', 'charlie'] as const)('rejects %s, who is not an admin', async (as) => {
    const seq = await createDeadLetter()

    await expect(app.call('console.discard', { seq }, as)).rejects.toMatchObject({
      code: 'forbidden',
    })
    expect(await exists(seq)).toBe(true)
  })

  it.each(badPayloads({ seq: 1e9 }))('rejects invalid input: %s', async (_name, payload) => {
    const { status } = await app.request('as.alice.console.discard', payload, 'alice')
    expect(status).toMatch(/^4(00|13)$/)
  })
})
