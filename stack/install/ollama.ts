import { copyFile, mkdir, readdir, rename } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { hasApt, installByApt } from './apt.ts'
import { cached, exists, type FindOptions } from './cache.ts'
import { exe, findOnPath, output } from './command.ts'

const pinned = '0.17.4'
const miniaudio = '1.71'
/** Time limit of the build of Ollama, which takes ten minutes of processor time. */
const buildMs = 45 * 60_000

export async function findOllama(options: FindOptions = {}): Promise<string> {
  const { env = process.env, log = () => {} } = options
  if (env.OLLAMA_BIN) {
    if (await exists(env.OLLAMA_BIN)) return resolve(env.OLLAMA_BIN)
    throw new Error(`OLLAMA_BIN names ${env.OLLAMA_BIN}, and there is no such file`)
  }
  const onPath = await findOnPath('ollama', env)
  if (onPath) return onPath

  const build = async (folder: string) => {
    log(`building Ollama ${pinned} with go, which takes ten minutes or more`)
    const include = await collectHeaders(folder, env)
    const source = `github.com/ollama/ollama@v${pinned}`
    const variables = { GOBIN: folder, CGO_ENABLED: '1', CPLUS_INCLUDE_PATH: include }
    await output('go', ['install', '-p', '2', source], {
      env: { ...env, ...variables, GOFLAGS: '-buildvcs=false' },
      within: buildMs,
    })
    await rename(join(folder, `ollama${exe}`), join(folder, `ollama-${pinned}${exe}`))
  }
  return cached(`ollama-${pinned}${exe}`, build, options)
}

/**
 * Returns a folder with the headers that llama.cpp has in its folder `vendor`. They are missing in
 * Ollama's Go module, because a Go module contains no folder of this name.
 */
async function collectHeaders(folder: string, env: NodeJS.ProcessEnv): Promise<string> {
  const headers = ['/usr/include/nlohmann/json.hpp', '/usr/include/stb/stb_image.h']
  const found = await Promise.all(headers.map(exists))
  if (!found.every(Boolean)) {
    const packages = ['nlohmann-json3-dev', 'libstb-dev']
    if (!(await hasApt(env)))
      throw new Error(`Ollama cannot be built: install ${packages.join(' ')}, or set OLLAMA_BIN`)
    await installByApt(packages, env)
  }
  const download = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--no-binary=:all:']
  await output('python3', [...download, `miniaudio==${miniaudio}`, '-d', folder], { env })
  const archive = (await readdir(folder)).find((name) => name.endsWith('.tar.gz')) ?? ''
  await output('tar', ['-xzf', join(folder, archive), '-C', folder])
  const include = join(folder, 'include')
  await mkdir(join(include, 'miniaudio'), { recursive: true })
  const header = join(folder, `miniaudio-${miniaudio}`, 'miniaudio', 'miniaudio.h')
  await copyFile(header, join(include, 'miniaudio', 'miniaudio.h'))
  return include
}
