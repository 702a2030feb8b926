/**
 * `npm run certificates -- FOLDER NAMES...`: writes a private certificate authority into FOLDER, and
 * certificates that it signs. Each of the NAMES is a comma-separated list of host names and IP
 * addresses for one certificate. The certificates are for development, and for networks whose clients
 * can be configured to trust this authority.
 */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { isIP } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

/**
 * Some systems reject certificates that are valid for longer than this, even those of private
 * authorities.
 */
const certificateDays = 825
const authorityDays = 3_650

const usage = `Usage: npm run certificates -- FOLDER NAMES... [--days DAYS]

Writes ca.crt and ca.key into FOLDER unless they exist, and a certificate for each NAMES: host names and IP
addresses, separated by commas. The first one names the files. Never overwrites a file.

  --days DAYS   days for which the certificates are valid, up to ${authorityDays}; browsers may reject more
                than ${certificateDays} (default: ${certificateDays})

Examples:
  npm run certificates -- tls chat.example.com
  npm run certificates -- tls nats-1,nats-1.internal,10.0.0.1 db.internal`

const authoritySection = `basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash`

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-sha256']

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
      days: { type: 'string', default: String(certificateDays) },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) return console.log(usage)
  const [folder, ...requested] = positionals
  const days = readDays(values.days)
  if (!folder) throw new Error('give a folder')
  if (requested.length === 0) throw new Error('give the names of at least one certificate')
  const certificates = requested.map(readNames)
  const files = certificates.flatMap(([name]) => [`${name}.crt`, `${name}.key`])
  const repeated = files.find((file, index) => files.indexOf(file) !== index)
  if (repeated) throw new Error(`two certificates would be written to ${repeated}`)
  const existing = files.find((file) => existsSync(join(folder, file)))
  if (existing) throw new Error(`${join(folder, existing)} exists: delete it, or use another name`)
  const hasAuthority = checkAuthority(folder)

  const work = mkdtempSync(join(tmpdir(), 'natter-certificates-'))
  try {
    mkdirSync(folder, { recursive: true })
    chmodSync(folder, 0o700)
    const authority = hasAuthority ? folder : work
    if (!hasAuthority) createAuthority(work)
    for (const names of certificates) createCertificate(names, { work, authority, days })
    for (const file of hasAuthority ? files : ['ca.crt', 'ca.key', ...files]) {
      const mode = file.endsWith('.key') ? 0o600 : 0o644
      writeFileSync(join(folder, file), readFileSync(join(work, file)), { flag: 'wx', mode })
      console.log(`wrote ${join(folder, file)}`)
    }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function readDays(text: string): number {
  const days = Number(text)
  if (/^\d+$/.test(text) && days >= 1 && days <= authorityDays) return days
  throw new Error(`--days is "${text}": use a number from 1 to ${authorityDays}`)
}

function readNames(text: string): [string, ...string[]] {
  const [first = '', ...others] = text.split(',').map((name) => name.trim())
  for (const name of [first, ...others])
    if (!isIP(name) && !/^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*$/i.test(name))
      throw new Error(`"${name}" is neither a host name nor an IP address`)
  if (first.startsWith('*') || first === 'ca')
    throw new Error(`"${first}" cannot be the first name, because it names the files`)
  return [first, ...others]
}

/** Returns whether the folder has an authority. Throws if the folder has only one of its two files. */
function checkAuthority(folder: string): boolean {
  const [certificate, key] = ['ca.crt', 'ca.key'].map((file) => existsSync(join(folder, file)))
  if (certificate !== key)
    throw new Error(`${folder} has only one of ca.crt and ca.key: add the other one, or delete it`)
  return certificate === true
}

function createAuthority(work: string) {
  const config = writeConfig(work, 'Natter private authority', authoritySection)
  const days = ['-days', String(authorityDays), '-extensions', 'extensions']
  const files = ['-keyout', join(work, 'ca.key'), '-out', join(work, 'ca.crt')]
  openssl(['req', '-x509', ...newKey, '-config', config, ...days, ...files])
}

function createCertificate(
  names: [string, ...string[]],
  { work, authority, days }: { work: string; authority: string; days: number },
) {
  const file = (ending: string) => join(work, `${names[0]}.${ending}`)
  const alternatives = names.map((name) => `${isIP(name) ? 'IP' : 'DNS'}:${name}`).join(', ')
  // `clientAuth` is for clusters of nats-server: each server connects to the others as a client.
  const extensions = `basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = ${alternatives}`
  // A common name may have at most 64 characters.
  const config = writeConfig(work, names[0].slice(0, 64), extensions)
  openssl([
    'req',
    '-new',
    ...newKey,
    '-config',
    config,
    '-keyout',
    file('key'),
    '-out',
    file('csr'),
  ])
  openssl([
    ...['x509', '-req', '-in', file('csr'), '-out', file('crt'), '-days', String(days)],
    ...['-CA', join(authority, 'ca.crt'), '-CAkey', join(authority, 'ca.key')],
    ...['-set_serial', `0x${randomBytes(16).toString('hex')}`],
    ...['-extfile', config, '-extensions', 'extensions'],
  ])
}

function writeConfig(work: string, commonName: string, extensions: string): string {
  const file = join(work, 'openssl.cnf')
  writeFileSync(
    file,
    `[req]
prompt = no
distinguished_name = name
[name]
CN = ${commonName}
[extensions]
${extensions}
`,
  )
  return file
}

function openssl(args: string[]) {
  try {
    execFileSync('openssl', args, { stdio: 'pipe' })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT')
      throw new Error('openssl is missing: install it, for example by apt-get install openssl')
    throw new Error(`openssl ${args[0]} failed: ${(cause as { stderr?: Buffer }).stderr}`)
  }
}
