import * as Y from 'yjs'
import { FunctionError } from '#runtime'

const roots = new Set(['strokes', 'notes'])
const [maxOperations, maxClients] = [1_000_000, 1_000]

export interface BoardUpdate {
  bytes: Uint8Array
  /** The operations that the update adds. Undefined if it only deletes. */
  added: { client: number; from: number; to: number } | undefined
  /** For each client, how many of its operations must be on the board before this update. */
  needs: ReadonlyMap<number, number>
}

/**
 * Decodes a Yjs update. Throws `invalid` for an update that the app's component never sends: a
 * valid update has the operations of one client, without a gap, and contains only numbers and text.
 */
export function readUpdate(bytes: Uint8Array): BoardUpdate {
  const { structs, ds } = decode(bytes)
  const needs = new Map<number, number>()
  const need = (client: number, count: number) =>
    void needs.set(client, Math.max(needs.get(client) ?? 0, count))

  let added: BoardUpdate['added']
  for (const struct of structs) {
    const { client, clock } = struct.id
    added ??= { client, from: clock, to: clock }
    if (client !== added.client) throw invalid('it has operations of several clients')
    if (clock !== added.to || struct instanceof Y.Skip || struct.length < 1)
      throw invalid('it has a gap')
    added.to += struct.length
    if (struct instanceof Y.Item) checkItem(struct, need)
  }
  if (added && added.to - added.from > maxOperations) throw invalid('it has too many operations')
  for (const [client, ranges] of ds.clients)
    for (const { clock, len } of ranges)
      if (len < 1) throw invalid('it has an empty deletion')
      else if (client !== added?.client || clock + len > added.to) need(client, clock + len)
  if (needs.size > maxClients) throw invalid('it refers to too many clients')
  return { bytes, added, needs }
}

function decode(bytes: Uint8Array) {
  try {
    return Y.decodeUpdate(bytes)
  } catch {
    throw invalid('it cannot be decoded')
  }
}

function checkItem(item: Y.Item, need: (client: number, count: number) => void) {
  const parent = decodedParent(item)
  if (typeof parent === 'string' && !roots.has(parent))
    throw invalid(`a board has no ${JSON.stringify(parent)}`)
  // Strokes and notes must have keys. In a list, each stroke would refer to its neighbours. If a neighbour were
  // forged, strokes of other users that refer to it would be lost.
  if (typeof parent === 'string' && item.parentSub === null)
    throw invalid('a stroke or note has no key')
  for (const id of [item.origin, item.rightOrigin, typeof parent === 'string' ? null : parent]) {
    if (!id) continue
    if (id.client !== item.id.client) need(id.client, id.clock + 1)
    else if (id.clock >= item.id.clock) throw invalid('an operation refers to a later one')
  }
  if (!isContent(item.content)) throw invalid('it has something other than numbers and text')
}

/** Returns the parent of an operation: a root's name, an id, or null if it has the parent of its neighbour. */
export function decodedParent({ parent }: Y.Item) {
  return parent as unknown as string | Y.ID | null
}

function isContent(content: Y.Item['content']): boolean {
  if (content instanceof Y.ContentAny)
    return content.arr.every((value) => typeof value === 'number')
  if (content instanceof Y.ContentType)
    return [Y.Array, Y.Map, Y.Text].some((type) => content.type.constructor === type)
  return content instanceof Y.ContentString || content instanceof Y.ContentDeleted
}

function invalid(reason: string) {
  return new FunctionError('invalid', `The update is not one of a whiteboard: ${reason}`)
}
