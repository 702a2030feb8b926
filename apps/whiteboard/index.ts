import * as v from 'valibot'
import { action, defineApp, query } from '#domain/apps/define-app'
import { addUpdate, readSince } from './storage.ts'

/** With its envelope, an update fits into a payload of 64 kB. */
const maxUpdateLength = 49_152
const Update = v.pipe(v.string(), v.minLength(4), v.maxLength(maxUpdateLength), v.base64())
const Version = v.pipe(v.number(), v.integer(), v.minValue(0))

/** Adds a Yjs update to the board, and publishes it. A repeated call has no further effect. */
const push = action(
  {
    input: v.strictObject({ update: Update }),
    output: v.object({ version: Version }),
    errors: ['too_large'],
    // A client sends 20 updates a second while its user draws.
    limit: { max: 1_500, windowMs: 60_000 },
  },
  async ({ room, user, data, db, tell }) => {
    const added = await addUpdate(Buffer.from(data.update, 'base64'), room, user, db)
    tell({ version: added.version, update: toBase64(added.update) })
    return { version: added.version }
  },
)

/** Returns what was added to the board after the version `since`, merged into one Yjs update. */
const pull = query(
  {
    input: v.strictObject({ since: Version }),
    output: v.object({ version: Version, update: v.optional(v.string()) }),
    limit: { max: 300, windowMs: 60_000 },
  },
  async ({ room, data, db }) => {
    const { version, update } = await readSince(room, data.since, db)
    return update ? { version, update: toBase64(update) } : { version }
  },
)

export default defineApp({
  id: 'whiteboard',
  name: 'Whiteboard',
  version: '1.0.0',
  actions: { push, pull },
})

const toBase64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
