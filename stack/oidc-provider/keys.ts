import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose'
import * as v from 'valibot'
import { quote, stateError } from '../damaged.ts'

/**
 * Maximum number of published keys. A rotation removes the oldest key if there would be more. The
 * tokens that it signed have usually expired by then.
 */
const maxKeys = 5

const StoredKeys = v.object({
  cookies: v.pipe(v.array(v.pipe(v.string(), v.minLength(32))), v.minLength(1)),
  signing: v.pipe(
    v.array(v.looseObject({ kid: v.string(), kty: v.literal('RSA'), d: v.string() })),
    v.minLength(1),
  ),
})

export type SigningJwk = JWK & { kid: string; kty: 'RSA' }

export interface Keys {
  cookies: string[]
  /** Private RS256 keys. The first one signs tokens; the public parts of all keys are published. */
  readonly signing: SigningJwk[]
  rotate(): Promise<string>
}

export async function openKeys(dir: string): Promise<Keys> {
  const file = join(dir, 'keys.json')
  const stored = readKeys(file)
  const cookies = stored?.cookies ?? [randomBytes(32).toString('base64url')]
  let signing: SigningJwk[] = stored?.signing ?? [await createKey()]
  if (!stored) write()

  function write() {
    const whole = `${file}.new`
    writeFileSync(whole, JSON.stringify({ cookies, signing }, null, 2), { mode: 0o600 })
    renameSync(whole, file)
  }

  return {
    cookies,
    get signing() {
      return signing
    },
    async rotate() {
      const key = await createKey()
      signing = [key, ...signing].slice(0, maxKeys)
      write()
      return key.kid
    },
  }
}

function readKeys(file: string): v.InferOutput<typeof StoredKeys> | undefined {
  if (!existsSync(file)) return undefined
  try {
    return v.parse(StoredKeys, JSON.parse(readFileSync(file, 'utf8')))
  } catch (cause) {
    const loss = 'new keys are generated, and all sessions end'
    throw stateError({ path: file, cause, command: `rm ${quote(file)}`, loss })
  }
}

async function createKey(): Promise<SigningJwk> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const key = await exportJWK(privateKey)
  return { ...key, kty: 'RSA', kid: await calculateJwkThumbprint(key), alg: 'RS256', use: 'sig' }
}
