import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { cp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { hasApt, installByApt } from './apt.ts'
import { cached, exists, type FindOptions } from './cache.ts'
import { findOnPath, output } from './command.ts'
import { findJava } from './java.ts'

/** The version that Maven downloads. In $KEYCLOAK_HOME, any version from `minVersion` on is accepted. */
const pinned = '26.7.3'
const checksum = '27a6535553c3cdcd083872ba40629efafb3475e3b758e0c6f691395561dd0f1f'
const minVersion = 26

const mavenCopy = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy'

export async function findKeycloak(options: FindOptions = {}): Promise<string> {
  const { env = process.env, log = () => {} } = options
  const named = env.KEYCLOAK_HOME
  const version = named ? await readVersion(named) : pinned
  const name = `keycloak-${version}`

  const make = async (folder: string) => {
    const withJava = { ...env, JAVA_HOME: await findJava(options) }
    if (named) await copyDistribution(named, join(folder, name))
    else await download(folder, withJava, log)
    log(`building Keycloak ${version}, half a minute`)
    await build(join(folder, name), withJava)
  }
  return cached(name, make, options)
}

async function readVersion(home: string): Promise<string> {
  const text = await readFile(join(home, 'version.txt'), 'utf8').catch(() => '')
  const [, version, major] = /((\d+)\.\d+\.\S+)/.exec(text) ?? []
  if (!version || !(await exists(join(home, 'lib', 'quarkus-run.jar'))))
    throw new Error(`KEYCLOAK_HOME names ${home}, and there is no distribution of Keycloak in it`)
  if (Number(major) < minVersion)
    throw new Error(
      `KEYCLOAK_HOME names ${home}, but it is ${version}, and ${minVersion} or later is needed`,
    )
  return version
}

/** Copies a distribution without its data folder, which has the database of the user's own Keycloak. */
async function copyDistribution(from: string, to: string) {
  await cp(from, to, { recursive: true, filter: (path) => path !== join(from, 'data') })
}

async function download(folder: string, env: NodeJS.ProcessEnv, log: (message: string) => void) {
  log(`getting Keycloak ${pinned} by Maven, 180 MB`)
  try {
    const maven = await findMaven(env, log)
    // Without this option, Maven would store its downloads in ~/.m2.
    const repository = `-Dmaven.repo.local=${join(folder, 'maven')}`
    const artifact = `-Dartifact=org.keycloak:keycloak-quarkus-dist:${pinned}:zip`
    const target = `-DoutputDirectory=${folder}`
    await output(maven, ['-q', '-B', repository, mavenCopy, artifact, target], { env })
    const zip = join(folder, `keycloak-quarkus-dist-${pinned}.zip`)
    await check(zip)
    await unpack(zip, folder, env)
    await rm(zip)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : cause
    const advice = `Install Maven (mvn), or set KEYCLOAK_HOME to a distribution of Keycloak ${minVersion} or later`
    throw new Error(`There is no Keycloak, and none could be had: ${why}\n${advice}`, { cause })
  }
}

async function findMaven(env: NodeJS.ProcessEnv, log: (message: string) => void) {
  if (!(await findOnPath('mvn', env)) && (await hasApt(env))) {
    log('installing Maven with apt-get')
    await installByApt(['maven'], env)
  }
  return 'mvn'
}

async function check(zip: string) {
  const hash = createHash('sha256')
  await pipeline(createReadStream(zip), hash)
  const found = hash.digest('hex')
  if (found !== checksum)
    throw new Error(`the SHA-256 of Maven's download is ${found}, expected ${checksum}`)
}

async function unpack(zip: string, folder: string, env: NodeJS.ProcessEnv) {
  const hasUnzip = await findOnPath('unzip', env)
  if (hasUnzip) await output('unzip', ['-q', zip, '-d', folder], { env })
  else await output('python3', ['-m', 'zipfile', '-e', zip, folder], { env })
}

/** Runs Keycloak's build step in advance, because each start would otherwise repeat it. */
async function build(home: string, env: NodeJS.ProcessEnv) {
  const heap = { JAVA_OPTS_KC_HEAP: '-Xms64m -Xmx512m' }
  const script = join(home, 'bin', 'kc.sh')
  await output('sh', [script, 'build', '--db=dev-file'], { env: { ...env, ...heap } })
}
