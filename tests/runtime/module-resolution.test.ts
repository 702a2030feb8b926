import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { run } from '../support/command-line.ts'

const hook = new URL('../../runtime/cli/module-resolution.ts', import.meta.url).href

const files = {
  'node_modules/kit/package.json':
    '{"name":"kit","type":"module","exports":{".":"./index.js","./part":"./lib/part.js"},"imports":{"#own":"./own.js"}}',
  'node_modules/kit/index.js': `
    export { url as a } from './a.js'
    export { url as again } from './lib/../a.js'
    export { url as query } from './a.js?twice'
    export { url as own } from '#own'
    export { part as self } from 'kit/part'
    export { default as commonjs } from './commonjs/b.js'
    export { default as data } from './data.json' with { type: 'json' }
    export const missing = await import('./missing.js').catch(({ code, message }) => ({ code, message }))
    export const folder = await import('./lib').catch(({ code, message }) => ({ code, message }))
  `,
  'node_modules/kit/a.js': 'export const url = import.meta.url',
  'node_modules/kit/own.js': 'export const url = import.meta.url',
  'node_modules/kit/lib/part.js': 'export const part = import.meta.url',
  'node_modules/kit/data.json': '{"is":"data"}',
  'node_modules/kit/commonjs/package.json': '{"type":"commonjs"}',
  'node_modules/kit/commonjs/b.js': 'module.exports = typeof require',
  'node_modules/untyped/package.json': '{"name":"untyped","main":"./index.js"}',
  'node_modules/untyped/index.js': "exports.file = require('./file.js')",
  'node_modules/untyped/file.js': 'module.exports = __filename',
  'sub/node_modules/kit/package.json': '{"name":"kit","type":"module","exports":"./other.js"}',
  'sub/node_modules/kit/other.js': 'export const url = import.meta.url',
  'sub/entry.js': "export * from 'kit'",
  'package.json': '{"type":"module","imports":{"#lib/*":"./lib/*.ts"}}',
  'lib/one.ts': 'export const url: string = import.meta.url',
  'lib/two.ts': `
    export { url as beside } from './one.ts'
    export { url as named } from '#lib/one'
    export { url as linkedFile } from './link.ts'
    export { url as linkedFolder } from '../linked/one.ts'
    export { url as query } from './one.ts?twice'
    export { default as commonjs } from './commonjs/three.ts'
    export const encoded = await import('./commonjs%2fthree.ts').catch(({ code, message }) => ({ code, message }))
    export const missing = await import('./missing.ts').catch(({ code, message }) => ({ code, message }))
    export const unnamed = await import('#lib/missing').catch(({ code, message }) => ({ code, message }))
    export const installed = await import('../node_modules/kit/types.ts').catch(({ code, message }) => ({ code, message }))
  `,
  'lib/commonjs/package.json': '{"type":"commonjs"}',
  'lib/commonjs/three.ts': 'module.exports = typeof require as string',
  'node_modules/kit/types.ts': 'export const type: string = "installed"',
  'entry.js': `
    import * as own from './lib/two.ts'
    import * as kit from 'kit'
    import * as untyped from 'untyped'
    import { existsSync } from 'fs'
    import * as sub from './sub/entry.js'
    const unknown = await import('unknown').catch(({ code, message }) => ({ code, message }))
    console.log(JSON.stringify({ own, kit, untyped, sub, unknown, builtin: typeof existsSync }, null, 1))
  `,
}

it('the resolution hook of the runtime resolves modules exactly as Node does without it', async () => {
  await using resources = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'natter-modules-'))
  resources.defer(() => rm(folder, { recursive: true }))
  for (const [name, content] of Object.entries(files)) {
    const file = join(folder, name)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, content)
  }
  await symlink('one.ts', join(folder, 'lib', 'link.ts'))
  await symlink('lib', join(folder, 'linked'))
  const load = (...options: string[]) =>
    run(process.execPath, [...options, join(folder, 'entry.js')], { cwd: folder })

  const [alone, hooked] = await Promise.all([load(), load('--import', hook)])

  expect(alone).toMatchObject({ code: 0, stdout: expect.stringContaining('ERR_MODULE_NOT_FOUND') })
  expect(hooked).toEqual(alone)
})
