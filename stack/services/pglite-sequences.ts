import type { PGlite } from '@electric-sql/pglite'

/** Types of the protocol messages that precede the Sync of an extended query: Parse, Bind and so on. */
const parts = new Set([...'PBDECHF'].map((type) => type.charCodeAt(0)))

/**
 * Wraps PGlite so that its socket server finishes the query of one client before it serves another.
 * Otherwise the second client could overwrite the unnamed prepared statement of the first, because all
 * clients share one session. The server lets no other client in during a transaction, so this wrapper
 * reports a query in progress as a transaction. It calls `onIdle` when a transaction or a query has
 * been idle for `idleMs`: no other client is served in that time.
 */
export function keepSequencesWhole(db: PGlite, idleMs: number, onIdle: () => void): PGlite {
  let isUnderWay = false
  let idle: NodeJS.Timeout | undefined
  const isInTransaction = () => isUnderWay || db.isInTransaction()
  const changed = {
    isInTransaction,
    async execProtocolRawStream(...args: Parameters<PGlite['execProtocolRawStream']>) {
      clearTimeout(idle)
      isUnderWay = parts.has(args[0][0] ?? 0)
      await db.execProtocolRawStream(...args)
      if (isInTransaction()) idle = setTimeout(onIdle, idleMs)
    },
    // The server calls this to roll back when a client has disconnected during a query.
    exec(...args: Parameters<PGlite['exec']>) {
      clearTimeout(idle)
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
