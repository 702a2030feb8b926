import type { PGlite } from '@electric-sql/pglite'

/** Types of the messages that an extended query consists of, up to its Sync: Parse, Bind, … */
const parts = new Set([...'PBDECHF'].map((type) => type.charCodeAt(0)))

/**
 * A PGlite whose socket server keeps to one client from the first message of a query to its Sync.
 * All clients share one session; the server lets another in between the messages of one, whose
 * unnamed statement is then the other's, and an error in one makes it skip what the other sends. It
 * keeps to a client for a transaction, so a query under way is passed off as one.
 */
export function keepSequencesWhole(db: PGlite): PGlite {
  let isUnderWay = false
  const changed = {
    isInTransaction: () => isUnderWay || db.isInTransaction(),
    execProtocolRawStream(...args: Parameters<PGlite['execProtocolRawStream']>) {
      isUnderWay = parts.has(args[0][0] ?? 0)
      return db.execProtocolRawStream(...args)
    },
    // The server's ROLLBACK for a client that went away in the middle.
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
