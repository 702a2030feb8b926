import { rename } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { cached, type FindOptions } from './cache.ts'
import { exe, output } from './command.ts'

const pinned = '0.5.1'

export async function findNatsCli(options: FindOptions = {}): Promise<string> {
  const { env = process.env, log = () => {} } = options
  if (env.NATS_CLI) return checkNamed(env.NATS_CLI)

  const build = async (folder: string) => {
    log(`building the nats command ${pinned} with go, a minute or two`)
    const source = `github.com/nats-io/natscli/nats@v${pinned}`
    try {
      await output('go', ['install', source], { env: { ...env, GOBIN: folder, CGO_ENABLED: '0' } })
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : cause
      const advice = 'Install go, or set NATS_CLI to a nats command'
      throw new Error(`The nats command could not be built: ${why}\n${advice}`, { cause })
    }
    await rename(join(folder, `nats${exe}`), join(folder, `nats-${pinned}${exe}`))
  }
  return cached(`nats-${pinned}${exe}`, build, options)
}

async function checkNamed(path: string) {
  try {
    await output(path, ['--version'], { within: 10_000 })
  } catch (cause) {
    throw new Error(`NATS_CLI names ${path}, but it does not run`, { cause })
  }
  return resolve(path)
}
