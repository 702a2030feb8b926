import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseAst } from 'vitest/node'
import packageJson from '../package.json' with { type: 'json' }
import { contractSubject } from '../runtime/api/contract.ts'
import { overlaps, parseSubject } from '../runtime/api/subject.ts'
import { contracts, topics } from '../schema/contracts.ts'
import * as declared from '../schema/streams.ts'

const root = resolve(import.meta.dirname, '..')

describe('layers', () => {
  it('reads imports as Node does', () => {
    const imports = importsOf('domain/messages/send.ts')

    expect(imports).toEqual(
      expect.arrayContaining(['node:crypto', 'runtime/index.ts', 'schema/db.ts']),
    )
    expect(importsOf('schema/streams.ts')).not.toContain('runtime/index.ts')
  })

  it.each([
    ['runtime', []],
    ['schema', []],
    ['domain', ['runtime', 'schema']],
    ['functions', ['runtime', 'domain', 'schema']],
    ['client', ['runtime', 'schema']],
  ])('%s imports, of ours, nothing but itself and %j', (folder, allowed) => {
    const wrong = filesOf(folder).flatMap((file) =>
      importsOf(file)
        .filter((target) => isOurs(target) && ![folder, ...allowed].includes(layerOf(target)))
        .map((target) => `${file} imports ${target}`),
    )

    expect(wrong).toEqual([])
  })

  it('functions and the web client see of the runtime only what it shows', () => {
    const faces = {
      functions: ['runtime/index.ts'],
      domain: ['runtime/index.ts'],
      client: ['runtime/client/index.ts'],
    }

    const wrong = Object.entries(faces).flatMap(([folder, shown]) =>
      filesOf(folder).flatMap((file) =>
        importsOf(file)
          .filter((target) => layerOf(target) === 'runtime' && !shown.includes(target))
          .map((target) => `${file} imports ${target}`),
      ),
    )

    expect(wrong).toEqual([])
  })

  it.each([
    ['the typed client', 'runtime/client/index.ts'],
    ['the contracts', 'schema/contracts.ts'],
  ])('%s runs in a browser: no server code, no table, nothing of Node', (_name, entry) => {
    const reached = reachableFrom(entry)

    expect([...reached].filter((target) => !isSafeInBrowser(target))).toEqual([])
    expect(reached.size).toBeGreaterThan(3)
  })

  it('no function asks another by importing it', () => {
    const wrong = filesOf('functions').flatMap((file) =>
      importsOf(file)
        .filter((target) => layerOf(target) === 'functions' && !/\/_[^/]+$/.test(target))
        .map((target) => `${file} imports ${target}`),
    )

    expect(wrong).toEqual([])
  })
})

describe('contracts', () => {
  it.each(Object.keys(contracts))('%s has its function and its test', (name) => {
    expect(existsSync(join(root, 'functions', `${name}.ts`))).toBe(true)
    expect(existsSync(join(root, 'tests', 'functions', `${name}.test.ts`))).toBe(true)
  })

  it('every function has its test', () => {
    const names = globSync('functions/[!_]*.ts', { cwd: root }).map((file) => file.slice(10, -3))

    const untested = names.filter(
      (name) => !existsSync(join(root, 'tests', 'functions', `${name}.test.ts`)),
    )

    expect(names).toContain('send')
    expect(untested).toEqual([])
  })

  it('no request lies where a stream would answer it', () => {
    const requests = Object.entries(contracts).map(([name, contract]) => ({
      name,
      pattern: contractSubject(contract).pattern,
    }))
    const streams = Object.values(declared).filter(
      (value) => typeof value === 'object' && 'stream' in value,
    )

    const caught = requests.flatMap(({ name, pattern }) =>
      streams
        .filter(({ subjects }) => subjects.some((subject) => overlaps(subject, pattern)))
        .map(({ stream }) => `${name} in ${stream}`),
    )

    expect(streams).not.toEqual([])
    expect(caught).toEqual([])
  })

  it('nothing that is told lies where a request is asked', () => {
    const patterns = Object.values(contracts).map((contract) => contractSubject(contract).pattern)

    const mixed = Object.values(topics)
      .map(({ subject }) => parseSubject(subject).pattern)
      .filter((told) => patterns.some((asked) => overlaps(told, asked)))

    expect(mixed).toEqual([])
  })
})

/** What is imported when a file is: paths below the root for ours, names as written for the rest. */
function importsOf(file: string): string[] {
  const lang = file.endsWith('x') ? 'tsx' : 'ts'
  const { body } = parseAst(readFileSync(join(root, file), 'utf8'), { lang })
  const specifiers = body.flatMap((node) => {
    const isType =
      ('importKind' in node && node.importKind === 'type') ||
      ('exportKind' in node && node.exportKind === 'type')
    const source = 'source' in node ? node.source : undefined
    return source && !isType ? [source.value] : []
  })
  const dynamic = [
    ...readFileSync(join(root, file), 'utf8').matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g),
  ].map(([, specifier = '']) => specifier)
  return [...specifiers, ...dynamic].map((specifier) => resolveImport(specifier, file))
}

function resolveImport(specifier: string, from: string): string {
  if (specifier.startsWith('.')) return relative(root, resolve(root, dirname(from), specifier))
  for (const [pattern, target] of Object.entries(packageJson.imports)) {
    const [before = '', after] = pattern.split('*')
    if (specifier === pattern) return target.slice(2)
    if (after !== undefined && specifier.startsWith(before))
      return target.slice(2).replace('*', specifier.slice(before.length))
  }
  return specifier
}

function reachableFrom(entry: string): Set<string> {
  const reached = new Set<string>()
  const visit = (file: string) => {
    if (reached.has(file)) return
    reached.add(file)
    if (isOurs(file)) for (const target of importsOf(file)) visit(target)
  }
  visit(entry)
  return reached
}

/** Packages that run in a browser as they are, by what they say of themselves. */
const browserPackages = ['valibot', '@nats-io/nats-core']

function isSafeInBrowser(target: string) {
  return isOurs(target)
    ? !/^(schema\/(tables\/|db\.ts)|domain\/|functions\/)/.test(target)
    : browserPackages.includes(target)
}

function isOurs(target: string) {
  return existsSync(join(root, target))
}

function layerOf(target: string) {
  return target.split('/')[0] ?? ''
}

function filesOf(folder: string) {
  return globSync(`${folder}/**/*.{ts,tsx,mjs}`, { cwd: root })
}
