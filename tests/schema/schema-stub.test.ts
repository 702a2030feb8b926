import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '..', '..')

it('the stub of valibot in the page exports every function that schema/ uses', async () => {
  const used = new Set<string>()
  for await (const file of glob('schema/**/*.ts', { cwd: root })) {
    const source = await readFile(join(root, file), 'utf8')
    if (!source.includes("from 'valibot'")) continue
    for (const [, name = ''] of source.matchAll(/\bv\.([a-z]\w*)\(/g)) used.add(name)
  }

  const exported = Object.keys(await import('../../client/build/schemaStub.ts'))

  expect(used).toContain('strictObject')
  const missing = [...used].filter((name) => !exported.includes(name)).toSorted()
  expect(missing, 'functions to add to client/build/schemaStub.ts').toEqual([])
})
