import * as v from 'valibot'
import { action, defineApp, integer, query } from '#app/server'
import { addUpdate, readSince } from './storage.ts'

/** The maximum length of an update in base64. With the rest of the call, it fits into a payload of 64 kB. */
const maxUpdateLength = 49_152
const Update = v.pipe(v.string(), v.minLength(4), v.maxLength(maxUpdateLength), v.base64())

/** Adds a Yjs update to the board, and publishes it. A repeated call has no further effect. */
const push = action(
  { update: Update },
  async ({ room, user, data, db, tell }) => {
    const { version, update } = await addUpdate(Buffer.from(data.update, 'base64'), room, user, db)
    tell({ version, update: toBase64(update) })
    return { version }
  },
  // While its user draws, a client sends 20 updates a second, which is 1,200 a minute.
  { errors: ['too_large'], limit: { max: 1_500, windowMs: 60_000 } },
)

/** Returns what was added to the board after the version `since`, merged into one Yjs update. */
const pull = query({ since: integer(0, Number.MAX_SAFE_INTEGER) }, async ({ room, data, db }) => {
  const { version, update } = await readSince(room, data.since, db)
  return { version, update: update && toBase64(update) }
})

export default defineApp({
  id: 'whiteboard',
  name: 'Whiteboard',
  version: '1.0.0',
  actions: { push, pull },
})

const toBase64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
