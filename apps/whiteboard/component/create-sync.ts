import * as Y from 'yjs'
import type { AppBridge } from '#schema/app-bridge'

const [batchMs, retryMs] = [50, 1_000]
/** Maximum size of the updates in one push. The server accepts up to 36 kB. */
const maxBatchBytes = 32_000
/** Error codes after which a retry would fail as well. */
const finalCodes = new Set(['forbidden', 'invalid', 'too_large'])

interface SyncOptions {
  doc: Y.Doc
  bridge: Pick<AppBridge, 'request' | 'onUpdated'>
  onLoad: () => void
  /** Called with true after an attempt to store changes has failed, and with false once the server has all changes. */
  onUnsaved: (isUnsaved: boolean) => void
  /** Called once if the server rejects a change. The document is then no longer synchronized. */
  onReject: (code: string) => void
}

interface Added {
  version: number
  update?: string
}

/** Synchronizes a document with the board on the server. Queues local changes until the server has stored them. */
export function createSync({ doc, bridge, onLoad, onUnsaved, onReject }: SyncOptions): void {
  const remote = Symbol('remote')
  const unsent: Uint8Array[] = []
  let version = 0
  let [isPushing, isPulling, isStale, isOver] = [false, false, false, false]

  doc.on('update', (update: Uint8Array, origin: unknown) => {
    if (origin === remote || isOver) return
    unsent.push(update)
    void push()
  })
  bridge.onUpdated((data) => receive(Object(data)))
  void pull()

  async function push() {
    if (isPushing) return
    isPushing = true
    while (unsent.length > 0 && !isOver) {
      await delay(batchMs)
      const batch = takeBatch(unsent)
      try {
        await bridge.request('push', { update: toBase64(Y.mergeUpdates(batch)) })
        unsent.splice(0, batch.length)
        if (unsent.length === 0) onUnsaved(false)
      } catch (error) {
        await recover(Object(error))
      }
    }
    isPushing = false
  }

  async function recover({
    code,
    retryAfterMs = retryMs,
  }: {
    code?: string
    retryAfterMs?: number
  }) {
    if (code !== undefined && finalCodes.has(code)) {
      isOver = true
      return onReject(code)
    }
    onUnsaved(true)
    await delay(retryAfterMs)
  }

  function receive(added: Partial<Added>) {
    if (isOver) return
    apply(added.update)
    if (added.version === version + 1) version += 1
    else if (added.version === undefined || added.version > version) void pull()
  }

  /** Loads changes from the server. Calls while a pull runs lead to one more pull after it. */
  async function pull() {
    isStale = true
    if (isPulling) return
    isPulling = true
    while (isStale && !isOver) {
      isStale = false
      try {
        const added = (await bridge.request('pull', { since: version })) as Added
        apply(added.update)
        version = Math.max(version, added.version)
        onLoad()
      } catch {
        isStale = true
        await delay(retryMs)
      }
    }
    isPulling = false
  }

  function apply(update: string | undefined) {
    if (update !== undefined) Y.applyUpdate(doc, fromBase64(update), remote)
  }
}

/** Returns the first updates, as many as fit into one push. */
function takeBatch(unsent: readonly Uint8Array[]): Uint8Array[] {
  let bytes = 0
  const end = unsent.findIndex(({ length }, index) => {
    bytes += length
    return bytes > maxBatchBytes && index > 0
  })
  return unsent.slice(0, end < 0 ? undefined : end)
}

function delay(ms: number) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function toBase64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
}

function fromBase64(text: string): Uint8Array {
  const chars = atob(text)
  // Takes a tenth of the time of Uint8Array.from, which matters for the first update of a large board.
  const bytes = new Uint8Array(chars.length)
  for (let at = 0; at < chars.length; at += 1) bytes[at] = chars.charCodeAt(at)
  return bytes
}
