import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { nkeys } from '@nats-io/nats-core'
import { quote, stateError } from './damaged.ts'

export interface Secrets {
  authPassword: string
  functionsPassword: string
  opsPassword: string
  sysPassword: string
  databasePassword: string
  /** The key that signs the user JWTs of the auth callout: seed (SA…) and public key (A…). */
  calloutSeed: string
  calloutIssuer: string
  /** The curve key that encrypts the auth callout: seed (SX…) and public key (X…). */
  calloutXkeySeed: string
  calloutXkey: string
  /** The secret that is hashed into each message id (docs/decisions/002). */
  idKey: string
}

/** Returns the variables of nats.conf that contain secrets or their public keys. */
export function natsVariables(secrets: Secrets): Record<string, string> {
  return {
    NATS_AUTH_PASSWORD: secrets.authPassword,
    NATS_FUNCTIONS_PASSWORD: secrets.functionsPassword,
    NATS_OPS_PASSWORD: secrets.opsPassword,
    NATS_SYS_PASSWORD: secrets.sysPassword,
    NATS_CALLOUT_ISSUER: secrets.calloutIssuer,
    NATS_CALLOUT_XKEY: secrets.calloutXkey,
  }
}

export function createSecrets(): Secrets {
  const account = nkeys.createAccount()
  const curve = nkeys.createCurve()
  const seed = (pair: typeof account) => new TextDecoder().decode(pair.getSeed())
  return {
    authPassword: createPassword(),
    functionsPassword: createPassword(),
    opsPassword: createPassword(),
    sysPassword: createPassword(),
    databasePassword: createPassword(),
    calloutSeed: seed(account),
    calloutIssuer: account.getPublicKey(),
    calloutXkeySeed: seed(curve),
    calloutXkey: curve.getPublicKey(),
    idKey: randomBytes(32).toString('hex'),
  }
}

/**
 * Reads the secrets from `file`. If the file does not exist, creates it with new secrets. Throws if
 * the file is damaged. It is not replaced, because new secrets would end all sessions.
 */
export function readSecrets(file: string): Secrets {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    return writeSecrets(file, createSecrets())
  }
  try {
    const stored: Record<string, unknown> = JSON.parse(text)
    // Files of earlier versions have no `databasePassword`, so it is added.
    if (stored.calloutSeed && stored.databasePassword === undefined) {
      stored.databasePassword = createPassword()
      writeSecrets(file, stored as unknown as Secrets)
    }
    const missing = Object.keys(createSecrets()).filter((key) => typeof stored[key] !== 'string')
    if (missing.length > 0) throw new Error(`it lacks ${missing.join(', ')}`)
    return stored as unknown as Secrets
  } catch (cause) {
    const loss = 'the next start generates new secrets, and all sessions end'
    throw stateError({ path: file, cause, command: `rm ${quote(file)}`, loss })
  }
}

function writeSecrets(file: string, secrets: Secrets) {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  writeFileSync(`${file}.new`, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 })
  renameSync(`${file}.new`, file)
  return secrets
}

/**
 * Returns a random password that starts with a letter, because nats-server would parse a value that
 * starts with a digit as a number.
 */
export function createPassword(): string {
  return `p${randomBytes(24).toString('hex')}`
}
