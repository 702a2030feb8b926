import type { PGlite } from '@electric-sql/pglite'

/** Types of the protocol messages of an extended query before its Sync: Parse, Bind, … */
const parts = new Set([...'PBDECHF'].map((type) => type.charCodeAt(0)))

/**
 * Wraps PGlite so that its socket server serves only one client from the first message of a query to
 * its Sync. All clients share one session. If the messages of two clients were interleaved, one would
 * overwrite the unnamed prepared statement of the other. During a transaction the server serves only
 * its client, so the wrapper also reports a query in progress as a transaction.
 */
export function keepSequencesWhole(db: PGlite): PGlite {
  let isUnderWay = false
  const changed = {
    isInTransaction: () => isUnderWay || db.isInTransaction(),
    execProtocolRawStream(...args: Parameters<PGlite['execProtocolRawStream']>) {
      isUnderWay = parts.has(args[0][0] ?? 0)
      return db.execProtocolRawStream(...args)
    },
    // The server calls this to roll back after a client has disconnected during a query.
    exec(...args: Parameters<PGlite['exec']>) {
      isUnderWay = false
      return db.exec(...args)
    },
  }
  return new Proxy(db, {
    get(target, name) {
      if (Object.hasOwn(changed, name)) return changed[name as keyof typeof changed]
      const value = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
