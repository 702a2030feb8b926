import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const source = new URL('../../runtime/cli/shrink-heap.ts', import.meta.url).href

/** Allocates more than 100 MB, drops it, and prints the sizes of the heap before and after. */
const script = `
import { shrinkHeapWhenIdle } from '${source}'

let data = Array.from({ length: 1_000_000 }, (_, index) => ({ index, text: String(index) }))
const before = process.memoryUsage().heapTotal
data = []
shrinkHeapWhenIdle()
for (let round = 0; round < 300; round++) {
  await new Promise((resolve) => setTimeout(resolve, 200))
  if (process.memoryUsage().heapTotal < before / 4) break
}
console.log(JSON.stringify([before, process.memoryUsage().heapTotal]))
`

it('shrinkHeapWhenIdle returns unused memory of an idle process', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'natter-heap-'))
  try {
    await writeFile(join(dir, 'idle.mts'), script)

    const { stdout } = await promisify(execFile)(process.execPath, [join(dir, 'idle.mts')])

    const [before, after] = JSON.parse(stdout)
    expect(before).toBeGreaterThan(60_000_000)
    expect(after).toBeLessThan(before / 4)
  } finally {
    await rm(dir, { recursive: true })
  }
}, 120_000)
