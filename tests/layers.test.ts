import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseAst } from 'vitest/node'
import packageJson from '../package.json' with { type: 'json' }
import { contractSubject } from '../runtime/api/contract.ts'
import { overlaps, parseSubject } from '../runtime/api/subject.ts'
import { contracts, topics } from '../schema/contracts.ts'
import { appAction } from '../schema/messages/app.ts'
import * as declared from '../schema/streams.ts'

const root = resolve(import.meta.dirname, '..')

/** Each folder or file of runtime/, with the folders that it may import. */
const runtimeFolders: Record<string, string[]> = {
  'index.ts': ['api'],
  api: [],
  client: ['api'],
  nats: ['api'],
  tracing: ['api', 'nats'],
  jetstream: ['api', 'client', 'nats'],
  'auth-callout': ['api'],
  'rate-limit': ['api', 'client', 'jetstream', 'nats'],
  monitoring: ['api', 'client', 'jetstream', 'nats', 'tracing'],
  server: [
    'api',
    'auth-callout',
    'client',
    'jetstream',
    'monitoring',
    'nats',
    'rate-limit',
    'tracing',
  ],
  cli: ['api', 'client', 'jetstream', 'monitoring', 'nats', 'server', 'tracing'],
  'bin.mjs': ['cli'],
}

describe('the layers of the project', () => {
  it('are checked with a parser that resolves imports as Node does and skips type imports', () => {
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
    ['apps', ['runtime', 'domain', 'schema']],
    ['client', ['runtime', 'schema']],
  ])('let the folder %s import only itself and the folders %j', (folder, allowed) => {
    const wrong = filesOf(folder).flatMap((file) =>
      importsOf(file)
        .filter((target) => isOurs(target) && ![folder, ...allowed].includes(layerOf(target)))
        .map((target) => `${file} imports ${target}`),
    )

    expect(wrong).toEqual([])
  })

  it('let functions, apps, domain and client import the runtime only through its entry points', () => {
    const entryPoints = {
      functions: ['runtime/index.ts'],
      apps: ['runtime/index.ts'],
      domain: ['runtime/index.ts'],
      client: ['runtime/client/index.ts'],
    }

    const wrong = Object.entries(entryPoints).flatMap(([folder, allowed]) =>
      filesOf(folder).flatMap((file) =>
        importsOf(file)
          .filter((target) => layerOf(target) === 'runtime' && !allowed.includes(target))
          .map((target) => `${file} imports ${target}`),
      ),
    )

    expect(wrong).toEqual([])
  })

  it.each([
    ['the typed client', 'runtime/client/index.ts'],
    ['the contracts', 'schema/contracts.ts'],
  ])(
    'let %s run in a browser, without imports of server code, tables or Node modules',
    (_name, entry) => {
      const reached = reachableFrom(entry)

      expect([...reached].filter((target) => !isSafeInBrowser(target))).toEqual([])
      expect(reached.size).toBeGreaterThan(3)
    },
  )

  it('let an app import no other app, and from apps/_kit only the entry point', () => {
    const wrong = filesOf('apps').flatMap((file) =>
      importsOf(file)
        .filter((target) => layerOf(target) === 'apps' && target !== 'apps/_kit/index.ts')
        .filter((target) => appOf(target) !== appOf(file))
        .map((target) => `${file} imports ${target}`),
    )

    expect(wrong).toEqual([])
  })

  it('let no function import another function', () => {
    const wrong = filesOf('functions').flatMap((file) =>
      importsOf(file)
        .filter((target) => layerOf(target) === 'functions' && !/\/_[^/]+$/.test(target))
        .map((target) => `${file} imports ${target}`),
    )

    expect(wrong).toEqual([])
  })
})

describe('the runtime', () => {
  it.each(Object.entries(runtimeFolders))(
    'lets %s import only itself and the folders %j, types included',
    (folder, allowed) => {
      const wrong = filesOf('runtime')
        .filter((file) => folderOf(file) === folder)
        .flatMap((file) =>
          importsOf(file, { types: true })
            .filter((target) => layerOf(target) === 'runtime')
            .filter((target) => ![folder, ...allowed].includes(folderOf(target)))
            .map((target) => `${file} imports ${target}`),
        )

      expect(wrong).toEqual([])
    },
  )

  it('has no folder without an import rule', () => {
    const folders = new Set(filesOf('runtime').map(folderOf))

    expect([...folders].toSorted()).toEqual(Object.keys(runtimeFolders).toSorted())
  })

  it('has no import cycle, types included', () => {
    const files = filesOf('runtime')
    const graph = new Map(files.map((file) => [file, importsOf(file, { types: true })]))

    expect(graph.get('runtime/api/context.ts')).toContain('runtime/api/contract.ts')
    expect(findCycles(graph)).toEqual([])
  })
})

describe('the project', () => {
  it.each(Object.keys(contracts))('has a function and a test for the contract %s', (name) => {
    expect(existsSync(join(root, 'functions', `${name}.ts`))).toBe(true)
    expect(existsSync(join(root, 'tests', 'functions', `${name}.test.ts`))).toBe(true)
  })

  it('has a test for every app, and a migration for its tables', () => {
    const apps = globSync('apps/[!_]*/index.ts', { cwd: root }).map((file) => dirname(file))

    const incomplete = apps.filter(
      (app) =>
        globSync(`${app}/*.test.ts`, { cwd: root }).length === 0 ||
        existsSync(join(root, app, 'tables.ts')) !== existsSync(join(root, app, 'migrations')),
    )

    expect(apps).toContain('apps/poll')
    expect(incomplete).toEqual([])
  })

  it('has a test for every function', () => {
    const names = globSync('functions/[!_]*.ts', { cwd: root }).map((file) => file.slice(10, -3))

    const untested = names.filter(
      (name) => !existsSync(join(root, 'tests', 'functions', `${name}.test.ts`)),
    )

    expect(names).toContain('send')
    expect(untested).toEqual([])
  })

  it('has no stream that captures the subject of a request', () => {
    const requests = Object.entries({ ...contracts, 'app.action': appAction }).map(
      ([name, contract]) => ({
        name,
        pattern: contractSubject(contract).pattern,
      }),
    )
    const streams = Object.values(declared).filter(
      (value) => typeof value === 'object' && 'stream' in value,
    )

    const captured = requests.flatMap(({ name, pattern }) =>
      streams
        .filter(({ subjects }) => subjects.some((subject) => overlaps(subject, pattern)))
        .map(({ stream }) => `${name} in ${stream}`),
    )

    expect(streams).not.toEqual([])
    expect(captured).toEqual([])
  })

  it('has no event whose subject could also be that of a request', () => {
    const patterns = Object.values({ ...contracts, appAction }).map(
      (contract) => contractSubject(contract).pattern,
    )

    const ambiguous = Object.values(topics)
      .map(({ subject }) => parseSubject(subject).pattern)
      .filter((event) => patterns.some((request) => overlaps(event, request)))

    expect(ambiguous).toEqual([])
  })
})

/**
 * Returns the resolved imports of a file. Type imports do not exist at run time, so they are
 * included only with `types`.
 */
function importsOf(file: string, { types = false } = {}): string[] {
  const lang = file.endsWith('x') ? 'tsx' : 'ts'
  const { body } = parseAst(readFileSync(join(root, file), 'utf8'), { lang })
  const specifiers = body.flatMap((node) => {
    const isType =
      ('importKind' in node && node.importKind === 'type') ||
      ('exportKind' in node && node.exportKind === 'type')
    const source = 'source' in node ? node.source : undefined
    return source && (types || !isType) ? [source.value] : []
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

const browserPackages = ['valibot', '@nats-io/nats-core']

function isSafeInBrowser(target: string) {
  return isOurs(target)
    ? !/^(schema\/(tables\/|db\.ts)|domain\/|functions\/|apps\/)/.test(target)
    : browserPackages.includes(target)
}

function isOurs(target: string) {
  return !target.startsWith('node_modules/') && existsSync(join(root, target))
}

/** Returns import cycles such as `a.ts > b.ts > a.ts`. */
function findCycles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const cycles: string[] = []
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]) => {
    const start = path.indexOf(file)
    if (start >= 0) cycles.push([...path.slice(start), file].join(' > '))
    if (start >= 0 || done.has(file)) return
    for (const target of graph.get(file) ?? []) visit(target, [...path, file])
    done.add(file)
  }
  for (const file of graph.keys()) visit(file, [])
  return cycles
}

/** Returns the second part of the path: a folder of the layer, or a file directly in the layer. */
function folderOf(file: string) {
  return file.split('/')[1] ?? ''
}

function appOf(file: string) {
  return file.split('/').slice(0, 2).join('/')
}

function layerOf(target: string) {
  return target.split('/')[0] ?? ''
}

function filesOf(folder: string) {
  const files = globSync(`${folder}/**/*.{ts,tsx,mjs}`, { cwd: root })
  return files.filter((file) => !file.endsWith('.test.ts'))
}
