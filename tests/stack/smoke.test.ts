import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { output } from '../../stack/install/command.ts'
import type { ProcessService } from '../../stack/services/service.ts'
import type { StackUrls } from '../../stack/state.ts'
import { startStack } from '../support/stack-process.ts'

const root = resolve(import.meta.dirname, '..', '..')
const text = `First light ${crypto.randomUUID()}`

describe('a new stack', () => {
  let dir: string
  let stack: ProcessService

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'natter-smoke-'))
    stack = await startStack(dir)
  })
  afterAll(async () => {
    await stack?.stop()
    await rm(dir, { recursive: true, force: true })
  })

  it('delivers a message from alice to bob over WebSocket', async () => {
    const said = await runScript('--text', text)

    expect(said).toContain('bob was told, and read it')
  })

  it('stores the message in the database', async () => {
    expect(await readTexts()).toEqual([text])
  })

  it('returns the message in the history after a restart of the stack', async () => {
    await stack.restart()

    const said = await runScript('--text', text, '--after-restart')

    expect(said).toContain('the history has it')
    expect(await readTexts()).toEqual([text])
  })

  /** Runs the script in another process: nats.js cannot use WebSocket and TCP in one process. */
  function runScript(...args: string[]) {
    const script = join(root, 'tests', 'support', 'smoke.ts')
    return output(process.execPath, [script, join(dir, 'stack.json'), ...args], { within: 30_000 })
  }

  async function readTexts() {
    const urls: StackUrls = JSON.parse(await readFile(join(dir, 'stack.json'), 'utf8'))
    const sql = postgres(urls.databaseUrl, { max: 1 })
    try {
      const rows = await sql`select text from messages where room = 'general' order by seq`
      return rows.map((row) => row.text)
    } finally {
      await sql.end()
    }
  }
}, 120_000)
