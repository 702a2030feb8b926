import { expect, it } from 'vitest'

it('compact joins the parts of a stroke even if Yjs freezes its values', async () => {
  // Yjs reads NODE_ENV when it is imported, and freezes its values only in development.
  process.env.NODE_ENV = 'development'
  const Y = await import('yjs')
  const { compact } = await import('./compact.ts')
  const updates: Uint8Array[] = []
  const doc = new Y.Doc()
  doc.on('update', (update) => updates.push(update))
  const stroke = new Y.Array<number>()
  doc.getMap('strokes').set('a', stroke)
  for (let part = 0; part < 5; part += 1) stroke.push([part, part + 1])

  const compacted = compact(Y.mergeUpdates(updates))

  const copy = new Y.Doc()
  Y.applyUpdate(copy, compacted)
  expect(copy.getMap('strokes').toJSON()).toEqual({ a: [0, 1, 1, 2, 2, 3, 3, 4, 4, 5] })
  expect(compacted.length).toBeLessThan(Y.mergeUpdates(updates).length)
})
