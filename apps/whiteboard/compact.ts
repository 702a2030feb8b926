import * as Y from 'yjs'
import { decodedParent } from './read-update.ts'

type Struct = Y.Item | Y.GC | Y.Skip

/**
 * Returns a smaller update that produces the same board, without the erased strokes and notes. Does
 * not use a Y.Doc, which takes minutes to apply some updates that a hostile client can write.
 */
export function compact(update: Uint8Array): Uint8Array {
  const { structs, ds } = Y.decodeUpdate(update)
  const byClient = Map.groupBy<number, Struct>(structs, ({ id }) => id.client)
  const find = ({ client, clock }: Y.ID): Struct | undefined => {
    const own = byClient.get(client) ?? []
    return own[Y.findIndexSS(own as Y.Item[], clock)]
  }
  const isErased = (struct: Struct) => {
    if (!(struct instanceof Y.Item) || struct.content instanceof Y.ContentDeleted) return true
    const { client, clock } = struct.id
    for (let offset = 0; offset < struct.length; offset += 1)
      if (!Y.isDeleted(ds, Y.createID(client, clock + offset))) return false
    return true
  }

  /** Sets the missing parent of an operation to the parent of its neighbour, `origin` or `rightOrigin`. */
  const resolveParent = (item: Y.Item) => {
    const chain: Y.Item[] = []
    let last: Struct | undefined = item
    while (last instanceof Y.Item && last.parent === null) {
      chain.push(last)
      last = find((last.origin ?? last.rightOrigin) as Y.ID)
    }
    const parent = last instanceof Y.Item ? last.parent : (last?.id ?? null)
    for (const link of chain) link.parent = parent
  }
  /** Returns true for an operation of an erased stroke or note. */
  const isInErased = (item: Y.Item) => {
    resolveParent(item)
    const parent = decodedParent(item)
    if (typeof parent === 'string' || !parent) return false
    const owner = find(parent)
    return owner !== undefined && isErased(owner)
  }
  const shrink = (struct: Struct): Struct => {
    if (!(struct instanceof Y.Item)) return struct
    if (isInErased(struct)) return new Y.GC(struct.id, struct.length)
    if (isErased(struct)) struct.content = new Y.ContentDeleted(struct.length)
    return struct
  }
  const shrunk = [...byClient.values()].map((own) => own.map(shrink))
  const deletions = Y.diffUpdate(update, Y.encodeStateVectorFromUpdate(update))
  return Y.mergeUpdates([encode(shrunk.map(join)), deletions])
}

/** Joins adjacent erased operations, and the parts of each stroke, as Yjs does after it has applied an update. */
function join(structs: readonly Struct[]): Struct[] {
  const joined: Struct[] = []
  /**
   * Collects the values of joined items. They cannot be added to an item's own values, which Yjs
   * freezes if NODE_ENV is `development`.
   */
  const values = new Map<Y.Item, unknown[]>()
  for (const struct of structs) {
    const last = joined.at(-1)
    if (struct instanceof Y.GC && last instanceof Y.GC) last.length += struct.length
    else if (struct instanceof Y.Item && last instanceof Y.Item && isNext(last, struct)) {
      const parts = values.get(last) ?? [...valuesOf(last)]
      for (const value of valuesOf(struct)) parts.push(value)
      values.set(last, parts)
      last.length += struct.length
    } else joined.push(struct)
  }
  for (const [item, parts] of values) item.content = new Y.ContentAny(parts)
  return joined
}

/** Returns true if the values of an item were written directly after those of `last`. */
function isNext(last: Y.Item, { content, origin, rightOrigin }: Y.Item): boolean {
  return (
    content instanceof Y.ContentAny &&
    last.content instanceof Y.ContentAny &&
    Y.compareIDs(origin, last.lastId) &&
    Y.compareIDs(rightOrigin, last.rightOrigin)
  )
}

function valuesOf({ content }: Y.Item): readonly unknown[] {
  return content instanceof Y.ContentAny ? content.arr : []
}

/** Writes an update without deletions, in the format of Y.decodeUpdate. */
function encode(clients: readonly Struct[][]): Uint8Array {
  const encoder = new Y.UpdateEncoderV1()
  encoder.writeLen(clients.length)
  for (const structs of clients) {
    const [first] = structs
    if (!first) continue
    encoder.writeLen(structs.length)
    encoder.writeClient(first.id.client)
    encoder.writeLen(first.id.clock)
    for (const struct of structs) struct.write(encoder, 0)
  }
  encoder.writeLen(0)
  return encoder.toUint8Array()
}
