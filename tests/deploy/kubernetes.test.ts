import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { get as getByHttp } from 'node:http'
import { get as getByHttps } from 'node:https'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { parseEnv } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { findKubernetesValidate, findKustomize } from '../../stack/install/kubernetes.ts'
import { findNatsServer } from '../../stack/install/nats-server.ts'
import { freePort } from '../../stack/ports.ts'
import { createSecrets, natsVariables } from '../../stack/secrets.ts'
import { startProcess } from '../../stack/services/process.ts'
import { run } from '../support/command-line.ts'
import { canRun } from '../support/programs.ts'

// biome-ignore lint/suspicious/noExplicitAny: kubernetes-validate checks the fields of manifests.
type Yaml = any

const root = resolve(import.meta.dirname, '..', '..')
const folder = join(root, 'deploy', 'kubernetes')
/** The oldest Kubernetes that docs/kubernetes.md names, and the newest that the validator knows. */
const versions = ['1.31', '1.37']
const overlays = ['production', 'single-node']

const natsServer = await findNatsServer()
const find = async () => `${await findKustomize()} ${await findKubernetesValidate()}`

// These tests are skipped if `go` is missing, or `python3` with pip.
describe.skipIf(!(await canRun(find)))('the manifests for Kubernetes', () => {
  let dir: string
  let docs: string
  let python: Record<string, string>
  const texts: Record<string, string> = {}
  const resources: Record<string, Yaml[]> = {}

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'natter-kubernetes-'))
    docs = await readFile(join(root, 'docs', 'kubernetes.md'), 'utf8')
    python = { PYTHONPATH: await findKubernetesValidate() }
    for (const overlay of overlays) {
      const text = await build(join(folder, 'overlays', overlay))
      texts[overlay] = text
      resources[overlay] = await readYaml(text)
    }
  }, 600_000)
  afterAll(() => rm(dir, { recursive: true, force: true }))

  async function build(overlay: string): Promise<string> {
    const { code, stdout, stderr } = await run(await findKustomize(), ['build', overlay])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    return stdout
  }

  async function readYaml(text: string): Promise<Yaml[]> {
    const script =
      'import json, sys, yaml; json.dump(list(yaml.safe_load_all(sys.stdin)), sys.stdout)'
    const { stdout, stderr } = await run('python3', ['-c', script], { env: python, stdin: text })
    expect(stderr).toBe('')
    return JSON.parse(stdout)
  }

  function validate(text: string, version: string) {
    const args = ['-m', 'kubernetes_validate', '--strict', '-k', version, '-']
    return run('python3', args, { env: python, stdin: text })
  }

  describe.each(overlays)('of the overlay %s', (overlay) => {
    it.each(versions)('have only fields that Kubernetes %s knows', async (version) => {
      const { code, stdout } = await validate(texts[overlay] ?? '', version)

      const problems = stdout.split('\n').filter((line) => line && !line.startsWith('INFO'))
      expect({ code, problems }).toEqual({ code: 0, problems: [] })
    })

    it('run every container without privileges, on a read-only file system', () => {
      const templates = podsOf(resources[overlay] ?? [])

      expect(templates.length).toBe(3)
      for (const { spec } of templates) {
        expect(spec).toMatchObject({
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
        })
        for (const container of spec.containers)
          expect(container).toMatchObject({
            resources: { requests: { memory: expect.any(String) }, limits: expect.anything() },
            securityContext: {
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: { drop: ['ALL'] },
            },
          })
      }
    })

    it('deny all traffic of each pod unless another network policy allows it', () => {
      const manifests = resources[overlay] ?? []
      const policies = manifests.filter(({ kind }) => kind === 'NetworkPolicy')
      const [closed] = policies.filter(({ metadata }) => metadata.name === 'natter-default')
      const [selector] = closed.spec.podSelector.matchExpressions

      expect(closed.spec).toMatchObject({ policyTypes: ['Ingress', 'Egress'] })
      expect(closed.spec).not.toHaveProperty('ingress')
      expect(closed.spec).not.toHaveProperty('egress')
      for (const { metadata } of podsOf(manifests))
        expect(selector.values).toContain(metadata.labels['app.kubernetes.io/name'])
    })

    it('set only variables that the README or docs/deployment.md describes', async () => {
      const texts = [await readFile(join(root, 'README.md'), 'utf8')]
      texts.push(await readFile(join(root, 'docs', 'deployment.md'), 'utf8'))
      const manifests = resources[overlay] ?? []
      const { data } = manifests.find(({ kind }) => kind === 'ConfigMap')
      const variables = podsOf(manifests)
        .flatMap(({ spec }) => spec.containers)
        .flatMap(({ env }) => env.map(({ name }: Yaml) => name.replace(/_FILE$/, '')))

      const unknown = [...Object.keys(data), ...variables].filter(
        (name) => !texts.some((text) => text.includes(`\`${name}\``)),
      )
      expect(unknown).toEqual([])
    })

    it('mount only secrets that docs/kubernetes.md creates, with the keys that it lists', () => {
      for (const { spec } of podsOf(resources[overlay] ?? [])) {
        for (const { secret } of spec.volumes.filter(({ secret }: Yaml) => secret)) {
          const { secretName } = secret
          const [, command = ''] =
            new RegExp(`secret generic ${secretName}((?:.*\\\\\n)*.*)`).exec(docs) ?? []
          const files = spec.containers[0].env
            .map(({ value }: Yaml) => /^\/run\/secrets\/natter\/(.*)/.exec(value)?.[1])
            .filter(Boolean)
          expect(files).not.toEqual([])
          for (const file of files) expect(command).toContain(`--from-file=secrets/${file}`)
        }
      }
    })

    it('use the host of NATTER_WEB_ORIGIN for the page and for NATS', () => {
      const manifests = resources[overlay] ?? []
      const { data } = manifests.find(({ kind }) => kind === 'ConfigMap')
      const { spec } = manifests.find(({ kind }) => kind === 'Ingress')

      const { host } = new URL(data.NATTER_WEB_ORIGIN)
      expect(spec.rules.map((rule: Yaml) => rule.host)).toEqual([host])
      expect(spec.tls[0].hosts).toEqual([host])
      expect(data.NATS_WS_URL).toBe(`wss://${host}${spec.rules[0].http.paths[0].path}`)
    })
  })

  it('start runtimes without migrations, which a job runs as the owner of the tables', () => {
    const [runtime, job] = ['natter-runtime', 'natter-migrate'].map(containerOf)

    expect(runtime.args).toEqual([
      'start',
      'functions/',
      'apps/',
      '--no-migrate',
      '--no-supervisor',
    ])
    expect(job.args).toEqual(['migrate', 'functions/', 'apps/'])
    expect(job.image).toBe(runtime.image)
    expect(job.env).toContainEqual({
      name: 'DATABASE_URL_FILE',
      value: '/run/secrets/natter/DATABASE_OWNER_URL',
    })
  })

  it('probe the paths and the port where the runtime answers', () => {
    const runtime = containerOf('natter-runtime')

    expect(runtime.env).toContainEqual({
      name: 'HEALTH_PORT',
      value: String(runtime.ports[0].containerPort),
    })
    const port = runtime.ports[0].name
    expect(runtime.livenessProbe.httpGet).toEqual({ path: '/livez', port })
    expect(runtime.startupProbe.httpGet).toEqual({ path: '/livez', port })
    expect(runtime.readinessProbe.httpGet).toEqual({ path: '/readyz', port })
  })

  /** Returns the manifests of the overlay `production` with a component. */
  async function buildWith(component: string): Promise<Yaml[]> {
    const copy = await mkdtemp(join(dir, 'copy-'))
    await cp(folder, copy, { recursive: true })
    const overlay = join(copy, 'overlays', 'production')
    const file = join(overlay, 'kustomization.yaml')
    const lines = `\ncomponents: [../../components/${component}]\n`
    await writeFile(file, (await readFile(file, 'utf8')) + lines)

    const manifests = await build(overlay)
    expect(await validate(manifests, '1.37')).toMatchObject({ code: 0 })
    return readYaml(manifests)
  }

  it('with the component queue-metric can scale by a metric that the runtime serves', async () => {
    const scaler = (await buildWith('queue-metric')).find(
      ({ kind }) => kind === 'HorizontalPodAutoscaler',
    )
    const [, pods] = scaler.spec.metrics
    const metrics = await readFile(join(root, 'docs', 'runtime-api.md'), 'utf8')
    expect(metrics).toContain(`\`${pods.pods.metric.name}\``)
  })

  it('with the component tls trust a private certificate authority and reach NATS over TLS', async () => {
    const manifests = await buildWith('tls')
    const clients = podsOf(manifests).filter(({ metadata }) =>
      /runtime|migrate/.test(metadata.labels['app.kubernetes.io/name']),
    )
    expect(clients.length).toBe(2)
    for (const { spec } of clients) {
      const [{ env, volumeMounts }] = spec.containers
      const { value } = env.find(({ name }: Yaml) => name === 'NODE_EXTRA_CA_CERTS')
      const mount = volumeMounts.find(({ mountPath }: Yaml) => value === `${mountPath}/ca.crt`)
      const { configMap } = spec.volumes.find(({ name }: Yaml) => name === mount.name)
      expect(docs).toContain(`configmap ${configMap.name} --from-file=tls/ca.crt`)
      // The component adds to the variables and volumes of the overlay, and replaces none.
      expect(env.length).toBeGreaterThan(1)
      expect(spec.volumes.length).toBe(3)
    }

    const ingresses = manifests.filter(({ kind }) => kind === 'Ingress')
    const paths = ingresses.flatMap(({ metadata, spec }) =>
      spec.rules[0].http.paths.map(({ path }: Yaml) => [metadata.name, path]),
    )
    expect(paths).toEqual([
      ['natter', '/oidc/backchannel-logout'],
      ['natter', '/'],
      ['natter-nats', '/nats'],
    ])
    for (const { spec } of ingresses) expect(spec.rules[0].host).toBe('chat.example.com')
    const { annotations } = ingresses[1].metadata
    const secret = annotations['nginx.ingress.kubernetes.io/proxy-ssl-secret'].split('/')[1]
    expect(docs).toContain(`secret generic ${secret}`)
  })

  it('are refused by the validator if a field is misspelt', async () => {
    const { code, stdout } = await validate(
      (texts.production ?? '').replace('readinessProbe:', 'readyProbe:'),
      '1.37',
    )

    expect(code).toBe(1)
    expect(stdout).toMatch(/'readyProbe' was unexpected/)
  })

  function containerOf(name: string): Yaml {
    const template = podsOf(resources.production ?? []).find(
      ({ metadata }) => metadata.labels['app.kubernetes.io/name'] === name,
    )
    return template.spec.containers[0]
  }

  describe('with the values for the Helm chart of NATS', () => {
    it.each([
      ['a cluster', ['values.yaml']],
      ['one server', ['values.yaml', 'values.single-node.yaml']],
      ['a cluster with TLS', ['values.yaml', 'values.tls.yaml']],
    ])('run nats.conf as %s, and set every variable that it reads', async (_name, names) => {
      const files = names.map((name) => readFile(join(folder, 'nats', name), 'utf8'))
      const [base, override] = await readYaml((await Promise.all(files)).join('\n---\n'))
      const values = merge(base, override)
      const hasTls = names.includes('values.tls.yaml')
      const port = await freePort()
      const home = await mkdtemp(join(dir, 'nats-'))
      for (const name of ['nats-config', 'natter']) await mkdir(join(home, name))
      const [, included = ''] = docs.match(/configmap natter-nats((?:.*\\\n)*.*)/) ?? []
      for (const [, name = ''] of included.matchAll(/--from-file=(\S+)/g))
        await cp(join(root, name), join(home, 'natter', name))
      const tls = join(home, 'certs')
      if (hasTls) await writeCertificates(tls)
      const fetchMonitor = (path: string) => getMonitor({ port, path, tls: hasTls && tls })
      await writeFile(join(home, 'nats-config', 'nats.conf'), chartConfig(values, port))

      await using _nats = await startProcess({
        name: 'nats-server',
        dir: home,
        command: () => ({
          file: natsServer,
          args: ['--config', join(home, 'nats-config', 'nats.conf')],
          env: {
            ...environmentOf(values, tls),
            NATS_HOST: '127.0.0.1',
            NATS_PORT: '-1',
            NATS_WS_PORT: '-1',
            NATS_MONITOR: `127.0.0.1:${port}`,
            NATS_CLUSTER_LISTEN: '127.0.0.1:-1',
            NATS_STORE_DIR: join(home, 'data'),
          },
        }),
        ready: () => vi.waitFor(() => fetchMonitor('/healthz')),
      })
      const varz: Yaml = JSON.parse(await fetchMonitor('/varz'))

      expect(varz.server_name).toBe('nats-0')
      expect(varz.max_payload).toBe(1024 * 1024)
      expect(varz.websocket.allowed_origins).toEqual(['https://chat.example.com'])
      expect([varz.port, varz.websocket.port]).not.toEqual([4222, 9222])
      const isCluster = !names.includes('values.single-node.yaml')
      expect(varz.cluster?.name).toBe(isCluster ? 'natter' : undefined)
      expect(varz.cluster?.urls?.length ?? 0).toBe(isCluster ? 3 : 0)
      expect([varz.tls_required ?? false, varz.cluster?.tls_required ?? false]).toEqual([
        hasTls,
        hasTls,
      ])
      expect(varz.websocket.no_tls ?? false).toBe(!hasTls)
    })

    it('read only secrets that npm run secrets writes', async () => {
      const [values] = await readYaml(await readFile(join(folder, 'nats', 'values.yaml'), 'utf8'))
      const secrets = join(dir, 'secrets')
      await run(process.execPath, [join(root, 'stack', 'generate-secrets.ts'), secrets])

      const written = parseEnv(await readFile(join(secrets, 'nats.env'), 'utf8'))
      const read = Object.values<Yaml>(values.container.env).flatMap(
        ({ valueFrom }) => valueFrom?.secretKeyRef.key ?? [],
      )
      expect(read.filter((key) => !written[key])).toEqual([])
      for (const [, file = ''] of docs.matchAll(/--from-(?:env-)?file=secrets\/(\S+)/g))
        expect(await readdir(secrets)).toContain(file)
    })

    it('give the server more time to stop than the lame duck mode needs', async () => {
      const [values] = await readYaml(await readFile(join(folder, 'nats', 'values.yaml'), 'utf8'))
      const conf = await readFile(join(root, 'nats.conf'), 'utf8')
      const [, seconds] = /lame_duck_duration: "(\d+)s"/.exec(conf) ?? []

      const { terminationGracePeriodSeconds } = values.podTemplate.merge.spec
      expect(terminationGracePeriodSeconds).toBeGreaterThan(Number(seconds) + 10)
    })
  })
})

function podsOf(manifests: Yaml[]): Yaml[] {
  return manifests.map(({ spec }) => spec?.template).filter(Boolean)
}

/** Merges values as Helm does. */
function merge(base: Yaml, override: Yaml = {}): Yaml {
  const isObject = (value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
  const merged = { ...base }
  for (const [key, value] of Object.entries(override))
    merged[key] = isObject(value) && isObject(base[key]) ? merge(base[key], value) : value
  return merged
}

/** Writes the files of the secret natter-nats-tls. */
async function writeCertificates(folder: string) {
  const script = join(root, 'stack', 'generate-certificates.ts')
  const { code, stderr } = await run(process.execPath, [script, folder, 'nats,127.0.0.1'])
  expect(code, stderr).toBe(0)
  for (const ending of ['crt', 'key'])
    await cp(join(folder, `nats.${ending}`), join(folder, `tls.${ending}`))
}

/** Fetches a monitoring page of a nats-server, with TLS if `tls` is a folder with certificates. */
async function getMonitor(monitor: { port: number; path: string; tls: string | false }) {
  const { port, path, tls } = monitor
  const ca = tls ? await readFile(join(tls, 'ca.crt')) : undefined
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const request = ca ? getByHttps : getByHttp
  const address = { host: '127.0.0.1', port, path }
  request(ca ? { ...address, ca } : address, (answer) => resolve(text(answer))).on('error', reject)
  return promise
}

/**
 * Returns the configuration of nats-server that version 2.14.2 of the chart writes: JSON with
 * sorted keys and an include.
 */
function chartConfig({ config }: Yaml, monitorPort: number): string {
  const { cluster, jetstream, websocket } = config
  const written: Record<string, unknown> = {
    server_name: 'of-the-chart',
    lame_duck_grace_period: '10s',
    lame_duck_duration: '30s',
    port: 4222,
    websocket: { port: websocket.port, no_tls: true },
    ...(cluster.enabled && {
      cluster: { name: 'nats', port: cluster.port, no_advertise: true, routes: [] },
    }),
    ...(config.monitor?.tls.enabled ? { https_port: monitorPort } : { http_port: monitorPort }),
    jetstream: { max_memory_store: 0, store_dir: jetstream.fileStore.dir },
    ...config.merge,
  }
  const sorted = Object.fromEntries(Object.entries(written).sort(([a], [b]) => (a < b ? -1 : 1)))
  return JSON.stringify(sorted, null, 2).replace(/".*\$include": "(.*)",?/, 'include $1;')
}

/** Returns the environment of the first pod's container. */
function environmentOf({ config, container }: Yaml, tls: string): Record<string, string> {
  const secrets = createSecrets()
  const secretValues: Record<string, string> = {
    NATS_CLUSTER_PASSWORD: secrets.sysPassword,
    ...natsVariables(secrets),
  }
  const env: Record<string, string> = { POD_NAME: 'nats-0' }
  // Sorted by name, because a variable can refer only to variables before it.
  for (const [name, value] of Object.entries<Yaml>(container.env).sort())
    env[name] =
      typeof value === 'string'
        ? value
            .replaceAll(/\$\((\w+)\)/g, (_all, other) => env[other] ?? '')
            .replace(config.nats?.tls.dir, tls)
        : (secretValues[value.valueFrom.secretKeyRef.key] ?? '')
  return env
}
