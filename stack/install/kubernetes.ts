import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { cached, type FindOptions } from './cache.ts'
import { exe, findOnPath, output } from './command.ts'

const pinnedKustomize = '5.7.1'
const pinnedValidate = '1.37.0'

export async function findKustomize(options: FindOptions = {}): Promise<string> {
  const { env = process.env, log = () => {} } = options
  const found = await findOnPath('kustomize', env)
  if (found) return found

  const build = async (folder: string) => {
    log(`building kustomize ${pinnedKustomize} with go, a minute or two`)
    const source = `sigs.k8s.io/kustomize/kustomize/v5@v${pinnedKustomize}`
    try {
      await output('go', ['install', source], { env: { ...env, GOBIN: folder, CGO_ENABLED: '0' } })
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : cause
      throw new Error(`kustomize could not be built: ${why}\nInstall go or kustomize`, { cause })
    }
    await rename(
      join(folder, `kustomize${exe}`),
      join(folder, `kustomize-${pinnedKustomize}${exe}`),
    )
  }
  return cached(`kustomize-${pinnedKustomize}${exe}`, build, options)
}

/**
 * Returns a folder for PYTHONPATH with the modules kubernetes_validate and yaml, with which tests
 * check the Kubernetes manifests.
 */
export async function findKubernetesValidate(options: FindOptions = {}): Promise<string> {
  const { env = process.env, log = () => {} } = options
  const name = `kubernetes-validate-${pinnedValidate}`
  const install = async (folder: string) => {
    log(`installing kubernetes-validate ${pinnedValidate} with pip`)
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
    const wanted = `kubernetes-validate==${pinnedValidate}`
    try {
      await output('python3', [...pip, '--target', join(folder, name), wanted], { env })
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : cause
      const advice = 'Install python3 with pip'
      throw new Error(`kubernetes-validate could not be installed: ${why}\n${advice}`, { cause })
    }
  }
  return cached(name, install, options)
}
