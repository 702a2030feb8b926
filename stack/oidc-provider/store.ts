import { chmodSync, closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider'
import { quote, stateError } from '../damaged.ts'

const sweepMs = 60_000

export interface Store {
  adapter: AdapterFactory
  close(): void
}

/**
 * Opens the store in the folder, and deletes expired records now and every minute. The statements
 * are synchronous, so that two requests cannot use the same code or refresh token.
 */
export function openStore(dir: string): Store {
  const file = join(dir, 'issuer.db')
  const db = openDatabase(file)
  const sweep = db.prepare('DELETE FROM records WHERE expires_at < unixepoch()')
  sweep.run()
  const sweeping = setInterval(() => sweep.run(), sweepMs).unref()

  return {
    adapter: createAdapterFactory(db),
    close() {
      clearInterval(sweeping)
      db.close()
    },
  }
}

function openDatabase(file: string): DatabaseSync {
  // Creates the file with its mode before SQLite opens it. SQLite gives its journal files this
  // mode.
  closeSync(openSync(file, 'a', 0o600))
  chmodSync(file, 0o600)
  const db = new DatabaseSync(file)
  try {
    const [result] = db.prepare('PRAGMA quick_check(1)').all()
    if (result?.quick_check !== 'ok') throw new Error(String(result?.quick_check))
    db.exec(schema)
    return db
  } catch (cause) {
    db.close()
    const loss = 'all users have to log in again'
    throw stateError({ path: file, cause, command: `rm ${quote(file)}*`, loss })
  }
}

const schema = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS records (
    model TEXT NOT NULL,
    id TEXT NOT NULL,
    payload TEXT NOT NULL,
    expires_at INTEGER,
    uid TEXT AS (payload ->> 'uid'),
    grant_id TEXT AS (payload ->> 'grantId'),
    PRIMARY KEY (model, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS records_uid ON records (uid) WHERE uid IS NOT NULL;
  CREATE INDEX IF NOT EXISTS records_grant ON records (grant_id) WHERE grant_id IS NOT NULL;
  CREATE INDEX IF NOT EXISTS records_expiry ON records (expires_at);
`

function createAdapterFactory(db: DatabaseSync): AdapterFactory {
  const upsert = db.prepare(`
    INSERT INTO records (model, id, payload, expires_at) VALUES (?, ?, ?, unixepoch() + ?)
    ON CONFLICT (model, id) DO UPDATE SET payload = excluded.payload, expires_at = excluded.expires_at
  `)
  const find = db.prepare('SELECT payload FROM records WHERE model = ? AND id = ?')
  const findByUid = db.prepare('SELECT payload FROM records WHERE uid = ? AND model = ?')
  const consume = db.prepare(`
    UPDATE records SET payload = json_set(payload, '$.consumed', unixepoch())
    WHERE model = ? AND id = ?
  `)
  const destroy = db.prepare('DELETE FROM records WHERE model = ? AND id = ?')
  const revoke = db.prepare('DELETE FROM records WHERE grant_id = ? AND model = ?')

  return (model): Adapter => ({
    async upsert(id, payload, expiresIn) {
      upsert.run(model, id, JSON.stringify(payload), expiresIn ?? null)
    },
    async find(id) {
      return parse(find.get(model, id))
    },
    async findByUid(uid) {
      return parse(findByUid.get(uid, model))
    },
    async findByUserCode() {
      throw new Error('No device flow here, so there are no user codes')
    },
    async consume(id) {
      consume.run(model, id)
    },
    async destroy(id) {
      destroy.run(model, id)
    },
    async revokeByGrantId(grantId) {
      revoke.run(grantId, model)
    },
  })
}

function parse(row: Record<string, unknown> | undefined): AdapterPayload | undefined {
  return row ? JSON.parse(String(row.payload)) : undefined
}
