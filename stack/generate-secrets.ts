/**
 * `npm run secrets -- FOLDER`: writes the passwords, keys and URLs that a deployment needs, one file for each
 * variable. Also writes `nats.env` with the variables of nats-server, which cannot read a variable from a file
 * of its own. Files that exist stay as they are.
 */
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { nkeys } from '@nats-io/nats-core'
import { readAddress } from '../runtime/nats/address.ts'
import { createPassword, createSecrets } from './secrets.ts'

type Files = Record<string, string>

interface Hosts {
  nats: string
  database: string
}

const keyPairs = [
  ['NATS_CALLOUT_SEED', 'NATS_CALLOUT_ISSUER'],
  ['NATS_CALLOUT_XKEY_SEED', 'NATS_CALLOUT_XKEY'],
] as const

const usage = `Usage: npm run secrets -- FOLDER [--nats HOSTS] [--database HOST/NAME]

Writes a file for each variable into FOLDER, and leaves the files that exist as they are.

  --nats HOSTS           servers as the runtime reaches them, separated by commas; tls:// requires TLS
                         (default: those in FOLDER/NATS_URL, or 127.0.0.1:4222)
  --database HOST/NAME   database as the runtime reaches it
                         (default: that in FOLDER/DATABASE_URL, or 127.0.0.1:5432/natter)

Examples:
  npm run secrets -- secrets
  npm run secrets -- secrets --nats nats-1:4222,nats-2:4222 --database 'db:5432/natter?sslmode=verify-full'`

try {
  run()
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : error}\n\n${usage}`)
  process.exitCode = 1
}

function run() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      nats: { type: 'string' },
      database: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) return console.log(usage)
  const [folder, ...others] = positionals
  if (!folder || others.length > 0) throw new Error('give one folder')

  const existing = readFiles(folder)
  const secrets = { ...createFiles(), ...existing }
  const derived = deriveFiles(secrets, {
    nats: values.nats ?? readNatsHosts(existing.NATS_URL) ?? '127.0.0.1:4222',
    database: values.database ?? readDatabase(existing.DATABASE_URL) ?? '127.0.0.1:5432/natter',
  })
  const files = { ...secrets, ...derived, ...existing }
  for (const [seed, publicKey] of keyPairs)
    if (files[publicKey] !== publicKeyOf(seed, files))
      throw new Error(
        `${join(folder, publicKey)} is not the public key of ${seed}: delete one of them`,
      )

  const missing = Object.keys(files).filter((name) => !(name in existing))
  mkdirSync(folder, { recursive: true })
  // Each file is readable by all users, because a container that mounts it runs as another user.
  // The mode of the folder denies access to other users of this machine.
  chmodSync(folder, 0o700)
  for (const name of missing) {
    const path = join(folder, name)
    writeFileSync(path, `${files[name]}\n`, { flag: 'wx' })
    chmodSync(path, 0o644)
  }
  const kept = Object.keys(files).length - missing.length
  console.log(
    `${folder}: wrote ${missing.length} files, and left ${kept} existing ones as they are`,
  )
  reportDifferences(folder, existing, derived)
}

/**
 * Warns about existing files that differ from those that this call would write. An earlier call
 * with other options may have written them.
 */
function reportDifferences(folder: string, existing: Files, derived: Files) {
  const differing = Object.entries(derived).flatMap(([name, wanted]) => {
    const actual = existing[name]
    return actual === undefined || actual === wanted ? [] : [{ name, actual, wanted }]
  })
  if (differing.length === 0) return
  const lines = differing.map(({ name, actual, wanted }) => {
    const [has, needs] = [actual, wanted].map(withoutPassword)
    const difference =
      name === 'nats.env' || has === needs
        ? 'has another password or key than the other files'
        : `is ${has}, not ${needs}`
    return `  ${join(folder, name)} ${difference}`
  })
  const paths = differing.map(({ name }) => join(folder, name)).join(' ')
  console.warn(`warning: files were kept that differ from what this command would write:
${lines.join('\n')}
To replace them, delete them and repeat the command with the same options:
  rm ${paths}`)
}

function withoutPassword(url: string): string {
  return url.replaceAll(/(\/\/[^:/@]*):[^@]*@/g, '$1:…@')
}

function readNatsHosts(url: string | undefined): string | undefined {
  const servers = url?.split(',').map((server) => /^([a-z]+:\/\/)[^@]*@(.+)$/.exec(server.trim()))
  if (!servers?.every((server) => server !== null)) return undefined
  return servers.map(([, scheme, host]) => `${scheme}${host}`).join(',')
}

function readDatabase(url: string | undefined): string | undefined {
  return url && /^[a-z]+:\/\/[^@]*@(.+)$/.exec(url)?.[1]
}

function readFiles(folder: string): Files {
  try {
    const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile())
    return Object.fromEntries(
      files.map(({ name }) => [name, readFileSync(join(folder, name), 'utf8').trimEnd()]),
    )
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {}
    throw error
  }
}

function createFiles(): Files {
  const secrets = createSecrets()
  return {
    NATS_AUTH_PASSWORD: secrets.authPassword,
    NATS_FUNCTIONS_PASSWORD: secrets.functionsPassword,
    NATS_OPS_PASSWORD: secrets.opsPassword,
    NATS_SYS_PASSWORD: secrets.sysPassword,
    NATS_CLUSTER_PASSWORD: createPassword(),
    NATS_CALLOUT_SEED: secrets.calloutSeed,
    NATS_CALLOUT_XKEY_SEED: secrets.calloutXkeySeed,
    NATTER_ID_KEY: secrets.idKey,
    POSTGRES_PASSWORD: createPassword(),
    DATABASE_OWNER_PASSWORD: createPassword(),
    DATABASE_PASSWORD: createPassword(),
    KC_BOOTSTRAP_ADMIN_PASSWORD: createPassword(),
    KC_DB_PASSWORD: createPassword(),
    KEYCLOAK_EVENTS_SECRET: createPassword(),
    GRAFANA_ADMIN_PASSWORD: createPassword(),
  }
}

function publicKeyOf(name: string, files: Files): string {
  const seed = new TextEncoder().encode(files[name])
  const pair = name === 'NATS_CALLOUT_SEED' ? nkeys.fromSeed(seed) : nkeys.fromCurveSeed(seed)
  return pair.getPublicKey()
}

function deriveFiles(secrets: Files, hosts: Hosts): Files {
  const natsUrl = (user: string) => writeNatsUrl(user, hosts.nats, secrets)
  const databaseUrl = (role: string, password = '') =>
    writeDatabaseUrl(`${role}:${password}`, hosts.database)
  const derived: Files = {
    ...Object.fromEntries(keyPairs.map(([seed, name]) => [name, publicKeyOf(seed, secrets)])),
    NATS_URL: natsUrl('functions'),
    NATS_AUTH_URL: natsUrl('auth'),
    NATS_OPS_URL: natsUrl('ops'),
    NATS_SYS_URL: natsUrl('sys'),
    DATABASE_URL: databaseUrl('natter_runtime', secrets.DATABASE_PASSWORD),
    DATABASE_OWNER_URL: databaseUrl('natter_owner', secrets.DATABASE_OWNER_PASSWORD),
  }
  const variables = { ...secrets, ...derived }
  const natsVariables = /^NATS_(.*_PASSWORD|CALLOUT_ISSUER|CALLOUT_XKEY)$/
  derived['nats.env'] = Object.entries(variables)
    .filter(([name]) => natsVariables.test(name))
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join('\n')
  return derived
}

function writeNatsUrl(user: string, hosts: string, secrets: Files): string {
  const password = secrets[`NATS_${user.toUpperCase()}_PASSWORD`]
  const urls = hosts.split(',').map((host) => {
    const [, scheme = 'nats://', server] = /^([a-z]+:\/\/)?(.*)$/.exec(host.trim()) ?? []
    return `${scheme}${user}:${password}@${server}`
  })
  readAddress('--nats', urls.join(','))
  return urls.join(',')
}

function writeDatabaseUrl(login: string, database: string): string {
  const url = URL.parse(`postgres://${login}@${database}`)
  if (url && /^\/[^/]+$/.test(url.pathname)) return url.href
  throw new Error(
    `--database is "${database}": write host:port/name, such as 127.0.0.1:5432/natter`,
  )
}
