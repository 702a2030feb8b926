import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CommandResult, run } from '../support/command-line.ts'
import { copyProject } from '../support/project-copy.ts'

const root = join(import.meta.dirname, '..', '..')
const document = await readFile(join(root, 'docs', 'contributing.md'), 'utf8')

const blocks = readBlocks(document)

let project: string

beforeAll(async () => {
  project = await copyProject('contributing')
})

afterAll(() => rm(project, { recursive: true, force: true }))

describe('docs/contributing.md', () => {
  it('names npm scripts that exist', async () => {
    const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
    const named = [...document.matchAll(/npm (?:run )?(start|test|dev|[\w:]+)(?=[ `\n])/g)]
      .map(([, name = '']) => name)
      .filter((name) => !['audit', 'ci', 'version', 'scripts'].includes(name))

    for (const name of named) expect(Object.keys(scripts)).toContain(name)
    expect(named).toContain('db:generate')
  })

  it('has steps that add a function, a table, a migration and a test that passes', async () => {
    for (const file of [
      'schema/tables/note.ts',
      'schema/messages/note.ts',
      'functions/note.add.ts',
    ])
      await write(file, blockOf(file))
    await write('tests/functions/note.add.test.ts', blockOf('tests/functions/note.add.test.ts'))
    await edit('tests/security/permissions.test.ts', (text) =>
      text.replace(
        "    'presence.disconnect':",
        "    'note.add': users,\n    'presence.disconnect':",
      ),
    )
    await edit('tests/security/member-removal.test.ts', (text) =>
      text.replace("  'presence.disconnect',", "  'note.add',\n  'presence.disconnect',"),
    )
    const call = document.match(/`('note\.add': \(\) => .+,)` to `callsOf`/)?.[1] ?? ''
    await edit('tests/schema/query-plans.test.ts', (text) =>
      text.replace("    'users.me': async", `    ${call}\n    'users.me': async`),
    )
    const [importLine = '', entry = ''] = blocksOf('schema/contracts.ts')
    await edit('schema/contracts.ts', (text) =>
      (importLine + text).replace("  'admin.role'", `${entry}  'admin.role'`),
    )

    const generated = await npm('run', 'db:generate', '--', '--name', 'notes')
    expect(generated).toMatchObject({ code: 0 })
    const checked = await npm('run', 'runtime', '--', 'check', 'functions/')
    expect(checked.stdout).toContain('note.add')
    const tested = await npm('test', '--', 'note.add')
    expect(tested).toMatchObject({ code: 0, stdout: expect.stringMatching(/\d+ passed/) })
  }, 180_000)

  it('has steps that add a stream and the function that consumes it', async () => {
    const [declaration = ''] = blocksOf('schema/streams.ts')
    await edit('schema/streams.ts', (text) => `${text}\n${declaration}`)
    const topic = blocks.find(({ code }) => code.includes('noteAdded = {'))?.code ?? ''
    await edit('schema/messages/note.ts', (text) =>
      `import { UserId } from '../ids.ts'\n${text}\n${topic}`.replace(
        'type { Contract }',
        'type { Contract, Topic }',
      ),
    )
    await write('functions/note.process.ts', blockOf('functions/note.process.ts'))

    const checked = await npm('run', 'runtime', '--', 'check', 'functions/')
    expect(checked.code).toBe(0)
    expect(checked.stdout).toContain('note.process')
  }, 60_000)

  it('has steps that add a feature to the page, with its texts in four languages', async () => {
    const words = blocks.find(({ code }) => code.includes("add: 'Add note'"))?.code ?? ''
    await write('client/notes/AddNote.tsx', blockOf('client/notes/AddNote.tsx'))
    await edit('client/i18n/en.ts', (text) => text.replace('  login: {', `${words}  login: {`))
    const incomplete = await tsc('-p', 'client/tsconfig.json', '--incremental')
    expect(incomplete.stdout).toContain("Property 'notes' is missing")

    for (const language of ['de', 'zh', 'ar'])
      await edit(`client/i18n/${language}.ts`, (text) =>
        text.replace('  login: {', `${words}  login: {`),
      )
    const complete = await tsc('-p', 'client/tsconfig.json', '--incremental')
    expect(complete).toMatchObject({ code: 0, stdout: '' })
    expect(await tsc()).toMatchObject({ code: 0, stdout: '' })
  }, 120_000)
})

function readBlocks(text: string) {
  const found: { file: string; code: string }[] = []
  let file = ''
  for (const [part, code] of text.matchAll(/```tsx?\n([\s\S]*?)```|`[\w./-]+\.tsx?`/g)) {
    if (code === undefined) file = part.slice(1, -1)
    else found.push({ file, code })
  }
  return found
}

function blocksOf(file: string): string[] {
  const codes = blocks.filter((block) => block.file === file).map(({ code }) => code)
  expect(codes, `blocks for ${file}`).not.toEqual([])
  return codes
}

function blockOf(file: string): string {
  return blocksOf(file)[0] ?? ''
}

async function write(file: string, code: string) {
  await mkdir(dirname(join(project, file)), { recursive: true })
  await writeFile(join(project, file), code)
}

async function edit(file: string, change: (text: string) => string) {
  const before = await readFile(join(project, file), 'utf8')
  const after = change(before)
  expect(after, file).not.toBe(before)
  await writeFile(join(project, file), after)
}

function npm(...args: string[]): Promise<CommandResult> {
  const cache = process.env.NATTER_CACHE ?? join(root, '.cache')
  return run('npm', args, { cwd: project, env: { NATTER_CACHE: cache } })
}

/** Runs one checker, because several take more processor time in total (see stack/check.ts). */
function tsc(...args: string[]): Promise<CommandResult> {
  const command = join(root, 'node_modules', '.bin', 'tsc')
  return run(command, ['--noEmit', '--checkers', '1', ...args], { cwd: project })
}
