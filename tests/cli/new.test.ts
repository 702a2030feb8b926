import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { buildApps } from '../../client/build/appFiles.ts'
import { type CommandLine, createCommandLine, runtime } from '../support/command-line.ts'

let bench: CommandLine
beforeAll(async () => {
  bench = await createCommandLine()
})
afterAll(() => bench?.[Symbol.asyncDispose]())

const files = {
  '_template/index.ts': `export const name = '__name__'\nexport const title = '__Name__'\n`,
  '_template/__name__/deep.txt': 'app___name__',
}

describe('runtime new', () => {
  it('copies a template to a folder beside the template, and replaces the placeholders by the given name', async () => {
    const folder = await bench.write(files)

    const { code, stdout } = await runtime(['new', join(folder, '_template'), 'dice', '--json'])

    expect(code).toBe(0)
    const paths = JSON.parse(stdout).files.map((file: string) => relative(folder, resolve(file)))
    expect(paths).toEqual(['dice/dice/deep.txt', 'dice/index.ts'])
    const index = await readFile(join(folder, 'dice', 'index.ts'), 'utf8')
    expect(index).toBe(`export const name = 'dice'\nexport const title = 'Dice'\n`)
    expect(await readFile(join(folder, 'dice', 'dice', 'deep.txt'), 'utf8')).toBe('app_dice')
  })

  it('creates an app from the template of this project, and the app can be served', async () => {
    const folder = await bench.write({})
    const template = join(import.meta.dirname, '..', '..', 'apps', '_template')
    await cp(template, join(folder, '_template'), { recursive: true })

    const { code, stdout } = await runtime(['new', join(folder, '_template'), 'dice'])

    expect(code).toBe(0)
    expect(stdout).toContain('dice/dice.test.ts')
    const checked = await runtime(['check', folder])
    expect(checked.stdout).toContain('as.{caller}.app.dice.{room}.roll')
  })

  it('creates an app whose component can be built', async () => {
    const root = join(import.meta.dirname, '..', '..')
    // The folder is in the project, whose package.json resolves the import `#app` of an app.
    await mkdir(join(root, '.cache'), { recursive: true })
    const folder = await mkdtemp(join(root, '.cache', 'template-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    await cp(join(root, 'apps', '_template'), join(folder, '_template'), { recursive: true })
    await runtime(['new', join(folder, '_template'), 'dice'])

    await buildApps(folder, join(folder, 'built'))

    const [file = '', ...others] = await readdir(join(folder, 'built'))
    expect(file).toMatch(/^dice-[\w-]+\.js$/)
    expect(others).toEqual([])
    const source = await readFile(join(folder, 'built', file), 'utf8')
    expect(source).toMatch(/room-app-.*dice/s)
  })

  it('does not replace an existing folder', async () => {
    const folder = await bench.write({ ...files, 'dice/mine.ts': 'mine' })

    const { code, stderr } = await runtime(['new', join(folder, '_template'), 'dice'])

    expect(code).toBe(1)
    expect(stderr).toMatch(/^error: .*dice exists already/)
    expect(await readFile(join(folder, 'dice', 'mine.ts'), 'utf8')).toBe('mine')
  })

  it.each([
    ['Dice', 2, /lower-case letters/],
    ['../dice', 2, /lower-case letters/],
    ['dice', 1, /cannot read the template .*absent/],
  ])('with the name %s and a missing template, exits with code %i', async (name, exit, said) => {
    const folder = await bench.write({})

    const { code, stderr } = await runtime(['new', join(folder, 'absent'), name])

    expect(code).toBe(exit)
    expect(stderr).toMatch(said)
  })
})
