import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { installByApt } from '../../stack/install/apt.ts'
import { cached, exists } from '../../stack/install/cache.ts'
import { findOnPath, output } from '../../stack/install/command.ts'
import { findProgram } from '../../stack/install/program.ts'

const centrifugo = '6.9.1'
const synapse = '1.163.2'
const psycopg2 = '2.9.13'
const installMs = 3_000_000
const log = console.error

export function findCentrifugo(): Promise<string> {
  const name = `centrifugo-${centrifugo}`
  const build = async (folder: string) => {
    log(`building Centrifugo ${centrifugo} with go, several minutes`)
    const env = { ...process.env, GOBIN: folder, CGO_ENABLED: '0' }
    const source = `github.com/centrifugal/centrifugo/v6@v${centrifugo}`
    await output('go', ['install', source], { env, within: installMs })
    await rename(join(folder, 'centrifugo'), join(folder, name))
  }
  return cached(name, build, { log })
}

export async function findProsody(): Promise<string> {
  const driver = 'lua-dbi-postgresql'
  const path = await findProgram(
    {
      title: 'Prosody',
      variable: 'NATTER_BENCH_PROSODY',
      names: ['prosody'],
      packages: ['prosody', driver],
    },
    { log },
  )
  if (!(await exists(`/usr/share/doc/${driver}`))) await installByApt([driver], process.env)
  return path
}

/** Returns the folder of Synapse's packages, for PYTHONPATH. */
export async function findSynapse(): Promise<string> {
  if (!(await findOnPath('python3', process.env))) throw new Error('Synapse needs python3 with pip')
  const name = `synapse-${synapse}`
  const install = async (folder: string) => {
    log(`installing Synapse ${synapse} with pip, several minutes`)
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
    const packages = [`matrix-synapse==${synapse}`, `psycopg2-binary==${psycopg2}`]
    const args = [...pip, '--only-binary=:all:', '--target', join(folder, name), ...packages]
    await output('python3', args, { within: installMs })
  }
  return cached(name, install, { log })
}
