import { randomBytes } from 'node:crypto'
import { copyFile, mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { exe } from '../install/command.ts'
import { freePort } from '../ports.ts'
import { startProcess } from './process.ts'
import type { ProcessService, ServiceOptions } from './service.ts'

const realm = join(import.meta.dirname, '..', '..', 'deploy', 'keycloak', 'realm-export.json')

export interface KeycloakOptions extends ServiceOptions {
  home: string
  javaHome: string
  webOrigin: string
  /** Names and contents of additional realm files to import. */
  realms?: Record<string, string>
  /** Additional environment variables of Keycloak, to which realm files may refer. */
  env?: Record<string, string>
  port?: number | undefined
  /** Paths of PEM files, and the port at which Keycloak listens with TLS, in addition to `port`. */
  tls?: { certificate: string; key: string; port: number }
}

export interface KeycloakService extends ProcessService {
  readonly origin: string
  readonly admin: { username: string; password: string }
}

/**
 * Starts Keycloak on loopback with the realm of deploy/keycloak. Also turns on two parts of the realm
 * that are off by default: the demo users, and the password grant. The `url` of the service is the
 * issuer URL.
 */
export async function startKeycloak(options: KeycloakOptions): Promise<KeycloakService> {
  const { home, javaHome, webOrigin, tls } = options
  const port = options.port ?? (await freePort())
  const origin = `http://127.0.0.1:${port}`
  const issuer = `${origin}/realms/nats-chat`
  const admin = { username: 'natter-admin', password: randomBytes(16).toString('hex') }
  const own = join(options.dir, 'keycloak')
  await furnish(own, home, options.realms)

  const keycloak = await startProcess({
    ...options,
    name: 'keycloak',
    // Runs Java directly, with the arguments that kc.sh would use, because the shell of kc.sh does
    // not forward every signal.
    command: () => ({
      file: join(javaHome, 'bin', `java${exe}`),
      args: [
        ...javaOptions,
        `-Dkc.home.dir=${own}`,
        `-Djboss.server.config.dir=${join(own, 'conf')}`,
        '-cp',
        join(home, 'lib', 'quarkus-run.jar'),
        'io.quarkus.bootstrap.runner.QuarkusEntryPoint',
        'start',
        '--optimized',
        '--import-realm',
        '--cache=local',
        '--http-enabled=true',
        '--http-host=127.0.0.1',
        `--http-port=${port}`,
        `--hostname=${origin}`,
        ...(tls
          ? [
              `--https-certificate-file=${tls.certificate}`,
              `--https-certificate-key-file=${tls.key}`,
              `--https-port=${tls.port}`,
            ]
          : []),
      ],
      env: {
        ...process.env,
        KC_BOOTSTRAP_ADMIN_USERNAME: admin.username,
        KC_BOOTSTRAP_ADMIN_PASSWORD: admin.password,
        NATTER_WEB_ORIGIN: webOrigin,
        NATTER_DEMO_USERS: 'true',
        NATTER_PASSWORD_GRANT: 'true',
        ...options.env,
      },
      cwd: own,
    }),
    async ready(log, from, signal) {
      await log.line(/Keycloak \S+ on JVM .* started in /, { from, signal, within: 240_000 })
      const answer = await fetch(`${issuer}/.well-known/openid-configuration`, { signal })
      if (!answer.ok) throw new Error(`${answer.url} answers ${answer.status}`)
      return issuer
    },
  })
  return Object.assign(keycloak, { origin, admin })
}

const javaOptions = [
  '-Xms64m',
  '-Xmx384m',
  '-XX:MaxMetaspaceSize=256m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-Dfile.encoding=UTF-8',
  '-Duser.language=en',
  '-Djava.security.egd=file:/dev/urandom',
  '-Djava.util.logging.manager=org.jboss.logmanager.LogManager',
  '-Djava.util.concurrent.ForkJoinPool.common.threadFactory=io.quarkus.bootstrap.forkjoin.QuarkusForkJoinWorkerThreadFactory',
  '-Dpicocli.disable.closures=true',
  ...['util', 'util.concurrent', 'security', 'lang'].map(
    (name) => `--add-opens=java.base/java.${name}=ALL-UNNAMED`,
  ),
  '--enable-native-access=ALL-UNNAMED',
]

async function furnish(own: string, home: string, realms: Record<string, string> = {}) {
  const imports = join(own, 'data', 'import')
  await mkdir(imports, { recursive: true })
  await copyFile(realm, join(imports, 'realm-export.json'))
  for (const [name, content] of Object.entries(realms))
    await writeFile(join(imports, name), content)
  const present = await readdir(own)
  for (const name of ['conf', 'lib', 'providers', 'themes'])
    if (!present.includes(name)) await symlink(join(home, name), join(own, name))
}
