import { createHash } from 'node:crypto'
import {
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  symlink,
} from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { findOnPath, output } from '../../stack/install/command.ts'
import { findKeycloak } from '../../stack/install/keycloak.ts'
import { findNatsServer } from '../../stack/install/nats-server.ts'
import type { Engine } from './engine.ts'

const recipes = join(import.meta.dirname, 'images')
const images = ['node', 'nats', 'postgres', 'keycloak', 'caddy', 'prometheus']
const debian = [
  '--variant=minbase',
  '--include=ca-certificates,libstdc++6,busybox-static',
  'bookworm',
]
const keptHours = 14 * 24
const certificates = '/etc/ssl/certs/ca-certificates.crt'

/**
 * Builds images that replace the official ones, from packages of Debian and programs of this machine. So no image
 * registry is needed. Images that the engine has from an earlier run are reused.
 */
export async function provideImages(engine: Engine): Promise<void> {
  const programs = await findPrograms()
  const folder = await mkdtemp(join(engine.dir, 'images-'))
  const provide = async (image: string, digest: string, build: () => Promise<void>) => {
    const tag = `${tagOf(image)}:${digest}`
    if ((await engine.run('docker', 'images', '-q', tag)) === '') {
      console.log(`building ${tag}`)
      await build()
      await engine.run('docker', 'tag', tagOf(image), tag)
    } else await engine.run('docker', 'tag', tag, tagOf(image))
  }
  const base = digestOf(debian)
  await provide('debian', base, () => buildDebian(engine, join(folder, 'debian')))
  for (const image of images) {
    const copies = programs.filter((copy) => copy.image === image)
    const recipe = { image, copies, context: join(folder, image) }
    await provide(image, await digestOfRecipe(recipe, base), () => buildImage(engine, recipe))
  }
  await rm(folder, { recursive: true })
  // Build layers have no tag. So without the filter, this command would also delete layers that are in use, which
  // take minutes to build again. The filter limits it to old images and layers.
  await engine.run('docker', 'image', 'prune', '--force', '--filter', `until=${keptHours}h`)
}

function tagOf(image: string) {
  return `natter-test/${image}`
}

interface Copy {
  image: string
  name: string
  path: string
}

async function findPrograms(): Promise<Copy[]> {
  const npm = process.env.npm_execpath ?? (await findOnPath('npm', process.env))
  if (!npm) throw new Error('There is no npm on PATH')
  return [
    { image: 'node', name: 'node', path: process.execPath },
    { image: 'node', name: 'npm', path: dirname(dirname(await realpath(npm))) },
    { image: 'nats', name: 'nats-server', path: await findNatsServer() },
    { image: 'keycloak', name: 'keycloak', path: await findKeycloak() },
  ]
}

interface Recipe {
  image: string
  copies: Copy[]
  context: string
}

/** Returns the digest of everything that the image is built from, except for the versions of packages. */
async function digestOfRecipe({ image, copies }: Recipe, base: string) {
  const names = await readdir(join(recipes, image))
  const files = names.toSorted().map((name) => readFile(join(recipes, image, name), 'utf8'))
  const versions = copies.map(({ path }) => basename(path))
  return digestOf([base, process.version, ...versions, ...(await Promise.all(files))])
}

function digestOf(parts: string[]) {
  return createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 12)
}

async function buildDebian(engine: Engine, root: string) {
  await output('debootstrap', [...debian, root])
  for (const program of ['wget', 'nc']) await symlink('busybox', join(root, 'bin', program))
  // Trust the certificate authorities of this machine: a proxy between it and the package registries may use a
  // certificate of a private authority.
  await copyFile(certificates, join(root, certificates))
  const unused = [
    'var/cache/apt/archives',
    'var/lib/apt/lists',
    'usr/share/doc',
    'usr/share/locale',
  ]
  for (const folder of unused) await rm(join(root, folder), { recursive: true })
  await mkdir(join(root, 'var/cache/apt/archives/partial'), { recursive: true })
  const archive = `${root}.tar`
  await output('tar', ['-C', root, '-cf', archive, '.'])
  await engine.run('docker', 'import', archive, tagOf('debian'))
}

async function buildImage(engine: Engine, { image, copies, context }: Recipe) {
  await cp(join(recipes, image), context, { recursive: true })
  for (const { name, path } of copies)
    await cp(path, join(context, name), { recursive: true, dereference: true })
  // The engine sets up no packet filter, so a build reaches the mirrors of Debian only through the machine's network.
  await engine.run('docker', 'build', '-q', '--network=host', '-t', tagOf(image), context)
}
