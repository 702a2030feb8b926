import { describe, expect, it } from 'vitest'
import { useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'
import { writeDeadLetter } from '../support/dead-letters.ts'

const app = useApp()

async function createDeadLetter(reason: string) {
  const { nc } = await app.connectAs('functions')
  const room = await app.createRoom(['bob'], 'private')
  const sent = await app.send(room, 'between us', 'bob')
  return { room, sent, seq: await writeDeadLetter(nc, sent.seq, reason) }
}

describe('console.dead', () => {
  it('returns the reason and the origin of a dead letter', async () => {
    const { room, sent, seq } = await createDeadLetter('it was too long')

    const { letters, total } = await app.call('console.dead', { after: seq - 1 }, 'alice')

    expect(total).toBeGreaterThan(0)
    expect(letters[0]).toMatchObject({
      seq,
      service: 'persist',
      reason: 'it was too long',
      stream: 'CHAT_MESSAGES',
      subject: `chat.${room}`,
      sequence: sent.seq,
      deliveries: 5,
    })
    expect(letters[0]?.bytes).toBeGreaterThan(10)
  })

  it('does not return the content of a message', async () => {
    const { seq } = await createDeadLetter('it was too long')

    const page = await app.call('console.dead', { after: seq - 1 }, 'alice')

    expect(JSON.stringify(page)).not.toContain('between us')
  })

  it('returns pages of dead letters, oldest first', async () => {
    const seqs = []
    for (const reason of ['one', 'two', 'three']) seqs.push((await createDeadLetter(reason)).seq)
    const [first = 0] = seqs

    const page = await app.call('console.dead', { after: first - 1, limit: 2 }, 'alice')
    const next = await app.call('console.dead', { after: page.letters[1]?.seq ?? 0 }, 'alice')

    expect(page.letters.map(({ reason }) => reason)).toEqual(['one', 'two'])
    expect(page.hasMore).toBe(true)
    expect(next.letters.map(({ reason }) => reason)).toContain('three')
    expect((await app.call('console.dead', { after: 1e9 }, 'alice')).letters).toEqual([])
  })

  it.each(['bob', 'charlie'] as const)('rejects %s, who is not an admin', async (as) => {
    await expect(app.call('console.dead', {}, as)).rejects.toMatchObject({ code: 'forbidden' })
  })

  it.each([{ limit: 0 }, { limit: 101 }, { after: -1 }, { after: 1.5 }])(
    'rejects the input %j as invalid',
    async (page) => {
      await expect(app.call('console.dead', page, 'alice')).rejects.toMatchObject({
        code: 'invalid',
      })
    },
  )

  it.each(badPayloads({ after: 0, limit: 10 }))(
    'rejects invalid input: %s',
    async (_name, payload) => {
      const { status } = await app.request('as.alice.console.dead', payload, 'alice')
      expect(status).toMatch(/^4(00|13)$/)
    },
  )
})
