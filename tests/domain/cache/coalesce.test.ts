import { expect, it } from 'vitest'
import { coalesce } from '#domain/cache/coalesce'

function createRead() {
  const reads: PromiseWithResolvers<string>[] = []
  const read = coalesce(async (_key: string, _options: undefined) => {
    const pending = Promise.withResolvers<string>()
    reads.push(pending)
    return pending.promise
  })
  return { reads, read: (key: string) => read(key, undefined) }
}

it('coalesce shares a read among the calls that were made before the read started', async () => {
  const { reads, read } = createRead()
  const first = read('a')
  const others = [read('a'), read('a'), read('a')]
  expect(reads).toHaveLength(1)

  reads[0]?.resolve('old')
  expect(await first).toBe('old')
  await expect.poll(() => reads.length).toBe(2)
  reads[1]?.resolve('new')

  expect(await Promise.all(others)).toEqual(['new', 'new', 'new'])
  expect(reads).toHaveLength(2)
})

it('coalesce reads different keys at the same time', () => {
  const { reads, read } = createRead()
  void read('a')
  void read('b')

  expect(reads).toHaveLength(2)
})

it('coalesce rejects only the calls that share the failed read', async () => {
  const { reads, read } = createRead()
  const first = read('a')
  const second = read('a')

  reads[0]?.reject(new Error('unavailable'))
  await expect(first).rejects.toThrow('unavailable')
  await expect.poll(() => reads.length).toBe(2)
  reads[1]?.resolve('value')

  expect(await second).toBe('value')
  const third = read('a')
  expect(reads).toHaveLength(3)
  reads[2]?.resolve('later')
  expect(await third).toBe('later')
})
