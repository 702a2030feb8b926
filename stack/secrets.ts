import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { nkeys } from '@nats-io/nats-core'

/** What a stack keeps to itself: made on its first start, kept in its state, never committed. */
export interface Secrets {
  /** Passwords of the users in nats.conf. */
  authPassword: string
  functionsPassword: string
  opsPassword: string
  sysPassword: string
  /** The key that signs people's NATS credentials: seed (SA…) and public half (A…). */
  calloutSeed: string
  calloutIssuer: string
  /** The curve key that seals the auth callout: seed (SX…) and public half (X…). */
  calloutXkeySeed: string
  calloutXkey: string
  /** From it message ids are derived. */
  idKey: string
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
    calloutSeed: seed(account),
    calloutIssuer: account.getPublicKey(),
    calloutXkeySeed: seed(curve),
    calloutXkey: curve.getPublicKey(),
    idKey: randomBytes(32).toString('hex'),
  }
}

/**
 * The secrets kept in this file, made first if there is none. Only its owner can read it. Throws if
 * the file is there but is not what this function wrote.
 */
export function readSecrets(file: string): Secrets {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    return writeSecrets(file, createSecrets())
  }
  const complaint = `${file} is damaged. Put back a copy, or delete it: new secrets are made then, which ends all sessions`
  try {
    const kept: Record<string, unknown> = JSON.parse(text)
    const missing = Object.keys(createSecrets()).filter((key) => typeof kept[key] !== 'string')
    if (missing.length > 0) throw new Error(`it lacks ${missing.join(', ')}`)
    return kept as unknown as Secrets
  } catch (cause) {
    throw new Error(complaint, { cause })
  }
}

function writeSecrets(file: string, secrets: Secrets) {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(`${file}.new`, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 })
  renameSync(`${file}.new`, file)
  return secrets
}

/** Begins with a letter: nats.conf takes a value that begins with a digit for a number. */
function createPassword() {
  return `p${randomBytes(24).toString('hex')}`
}
