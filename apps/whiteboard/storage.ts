import { and, asc, eq, gt, inArray, sql } from 'drizzle-orm'
import * as Y from 'yjs'
import type { Reader, Transaction } from '#domain/rooms/room-lock'
import { FunctionError } from '#runtime'
import type { RoomId, UserId } from '#schema/ids'
import { compact } from './compact.ts'
import { type BoardUpdate, readUpdate } from './read-update.ts'
import { boards, clients, updates } from './tables.ts'

/**
 * Maximum size of a board. A new reader receives the whole board in one NATS message as base64,
 * which is a third larger. The limit of a message is 1 MB.
 */
const maxBytes = 640 * 1_024
/** A full board may exceed `maxBytes` by this size, but only by updates that erase. */
const reserveBytes = 64 * 1_024
/**
 * If more rows or more bytes than these were added since the last merge, all rows of the board are
 * merged into one.
 */
const [maxRows, maxUnmergedBytes] = [200, 64 * 1_024]

/** Stores an update, and returns it with its version. */
export async function addUpdate(bytes: Uint8Array, room: RoomId, user: UserId, tx: Transaction) {
  const update = readUpdate(bytes)
  const board = await lockBoard(room, bytes.length, tx)
  if (board.bytes > maxBytes + (update.added ? 0 : reserveBytes))
    throw new FunctionError('too_large', 'The board is full: erase something first')

  const { version } = board
  const added = await addOperations(update, room, user, tx)
  await tx.insert(updates).values({ room, version, update: added })
  const isCrowded = !update.added && board.bytes > maxBytes * 0.9
  const hasManyRows = version - board.mergedVersion > maxRows
  if (hasManyRows || isCrowded || board.bytes - board.mergedBytes > maxUnmergedBytes)
    await mergeRows(room, version, tx)
  return { version, update: added }
}

/** Returns all updates after a version, merged into one. `update` is undefined if there are none. */
export async function readSince(room: RoomId, since: number, db: Reader) {
  const rows = await readRows(room, since, db)
  const [version = since] = rows.slice(-1).map((row) => row.version)
  return { version, update: rows.length > 0 ? mergeOf(rows) : undefined }
}

/** Increases the version of a board, and locks the board until the end of the transaction. */
async function lockBoard(room: RoomId, size: number, tx: Transaction) {
  const [board] = await tx
    .insert(boards)
    .values({ room, version: 1, bytes: size })
    .onConflictDoUpdate({
      target: boards.room,
      set: { version: sql`${boards.version} + 1`, bytes: sql`${boards.bytes} + ${size}` },
    })
    .returning()
  if (!board) throw new Error(`The board of ${room} was not stored`)
  return board
}

/**
 * Records the operations of an update, and returns the update without those that the board already
 * has. Throws `invalid` if the board lacks operations to which the update refers, because Yjs would
 * wait for them for ever. Also throws `invalid` if the update is in the name of another user's Yjs
 * client, because Yjs would then ignore the next operations of that client.
 */
async function addOperations(
  { bytes, added, needs }: BoardUpdate,
  room: RoomId,
  user: UserId,
  tx: Transaction,
): Promise<Uint8Array> {
  const named = [...needs.keys(), ...(added ? [added.client] : [])]
  const isNamed = and(eq(clients.room, room), inArray(clients.client, named))
  const rows = named.length > 0 ? await tx.select().from(clients).where(isNamed) : []
  const known = new Map(rows.map((row) => [row.client, row]))
  const countOf = (client: number) => known.get(client)?.clock ?? 0
  const isMissing = [...needs].some(([client, count]) => count > countOf(client))
  if (isMissing || (added && added.from > countOf(added.client)))
    throw new FunctionError('invalid', 'The board lacks operations that the update refers to')
  if (!added) return bytes

  const { client } = added
  if ((known.get(client)?.user ?? user) !== user)
    throw new FunctionError('invalid', `The Yjs client ${client} belongs to another user`)
  const clock = Math.max(added.to, countOf(client))
  await tx
    .insert(clients)
    .values({ room, client, user, clock })
    .onConflictDoUpdate({ target: [clients.room, clients.client], set: { clock } })
  return Y.diffUpdate(bytes, Y.encodeStateVector(new Map([[client, countOf(client)]])))
}

/** Merges all rows of a board into one, without erased strokes and notes. */
async function mergeRows(room: RoomId, version: number, tx: Transaction) {
  const update = compact(mergeOf(await readRows(room, 0, tx)))
  await tx.delete(updates).where(eq(updates.room, room))
  await tx.insert(updates).values({ room, version, update })
  const merged = { mergedVersion: version, mergedBytes: update.length, bytes: update.length }
  await tx.update(boards).set(merged).where(eq(boards.room, room))
}

function readRows(room: RoomId, since: number, db: Reader) {
  const isNewer = and(eq(updates.room, room), gt(updates.version, since))
  return db.select().from(updates).where(isNewer).orderBy(asc(updates.version))
}

const mergeOf = (rows: readonly { update: Uint8Array }[]) =>
  Y.mergeUpdates(rows.map(({ update }) => update))
