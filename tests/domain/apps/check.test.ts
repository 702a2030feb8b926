import { cp, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CommandLine, createCommandLine, runtime } from '../../support/command-line.ts'

const apps = join(import.meta.dirname, '..', '..', '..', 'apps')
let bench: CommandLine
let folder: string

beforeAll(async () => {
  bench = await createCommandLine()
  folder = await bench.write({})
  for (const name of ['_template', '_setup.ts', '_around.ts'])
    await cp(join(apps, name), join(folder, name), { recursive: true })
  await runtime(['new', join(folder, '_template'), 'dice'])
})
afterAll(() => bench?.[Symbol.asyncDispose]())

describe('runtime check for apps', { timeout: 60_000 }, () => {
  it('reports nothing for a new app from the template', async () => {
    const { code, stderr } = await runtime(['check', folder])

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  it('reports a changed table without a migration, and a folder that is not named after its app', async () => {
    const tables = join(folder, 'dice', 'tables.ts')
    const before = await readFile(tables, 'utf8')
    await writeFile(tables, before.replace("smallint('result')", "smallint('total')"))
    await rename(join(folder, 'dice'), join(folder, 'chance'))

    const { code, stdout } = await runtime(['check', folder, '--json'])

    expect(code).toBe(1)
    expect(JSON.parse(stdout).problems).toEqual([
      {
        file: expect.stringMatching(/chance\/index\.ts$/),
        export: '',
        reason: expect.stringContaining('defines the app "dice": name the folder after the app'),
      },
      {
        file: expect.stringMatching(/chance\/tables\.ts$/),
        export: '',
        reason: expect.stringContaining('npm run db:generate -- --app chance'),
      },
    ])
  })

  it('reports nothing for the apps of this project', async () => {
    const { stderr } = await runtime(['check', apps])

    expect(stderr).toBe('')
  })
})
