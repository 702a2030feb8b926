import { createHash } from 'node:crypto'
import { copyFile, cp, mkdir, readFile, realpath, rm, symlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { cached } from '../../stack/install/cache.ts'
import { findOnPath, output } from '../../stack/install/command.ts'
import { findKeycloak } from '../../stack/install/keycloak.ts'
import { findNatsServer } from '../../stack/install/nats-server.ts'
import type { Engine } from './engine.ts'

const recipes = join(import.meta.dirname, 'images')
const images = ['node', 'nats', 'postgres', 'keycloak', 'caddy']
const certificates = '/etc/ssl/certs/ca-certificates.crt'

/**
 * Gives the engine images that stand for the official ones: from the cache, or built from packages of Debian
 * and programs of this machine. A registry of images is not needed.
 */
export async function provideImages(engine: Engine): Promise<void> {
  const programs = await findPrograms()
  const archive = `compose-images-${await digest(programs)}.tar`
  let isBuilt = false
  const build = async (folder: string) => {
    isBuilt = true
    await buildDebian(engine, join(folder, 'debian'))
    for (const image of images) await buildImage(engine, image, join(folder, image), programs)
    await engine.run('docker', 'save', '-o', join(folder, archive), ...images.map(tagOf))
  }
  const path = await cached(archive, build, { log: console.log })
  if (!isBuilt) await engine.run('docker', 'load', '-q', '-i', path)
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

/** The digest of everything that the images are built from, except for the versions of packages. */
async function digest(programs: Copy[]) {
  const hash = createHash('sha256').update(process.version)
  for (const { path } of programs) hash.update(basename(path))
  const files = [...images.map((image) => join(recipes, image, 'Dockerfile')), entrypoint]
  for (const file of [import.meta.filename, ...files]) hash.update(await readFile(file))
  return hash.digest('hex').slice(0, 12)
}

const entrypoint = join(recipes, 'postgres', 'entrypoint.sh')

async function buildDebian(engine: Engine, root: string) {
  const packages = '--include=ca-certificates,libstdc++6,busybox-static'
  await output('debootstrap', ['--variant=minbase', packages, 'bookworm', root])
  for (const program of ['wget', 'nc']) await symlink('busybox', join(root, 'bin', program))
  // With the authorities of this machine, since a private one may stand between it and the registries.
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

async function buildImage(engine: Engine, image: string, context: string, programs: Copy[]) {
  await cp(join(recipes, image), context, { recursive: true })
  for (const { name, path } of programs.filter((copy) => copy.image === image))
    await cp(path, join(context, name), { recursive: true, dereference: true })
  // Without packet filter, only the machine's network reaches the mirrors of Debian.
  await engine.run('docker', 'build', '-q', '--network=host', '-t', tagOf(image), context)
}
