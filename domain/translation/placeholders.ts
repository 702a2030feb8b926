import type { MessagePart } from '#schema/text/translatable'

/**
 * Returns the text of a message with placeholders for its protected parts, and a function `restore`
 * that restores these parts in the pieces of a translation. `restore` holds back a placeholder that
 * may continue in the next piece. `restore('', true)` returns the rest.
 */
export function usePlaceholders(parts: readonly MessagePart[]) {
  const protectedParts = parts.filter(({ kind }) => kind === 'protected')
  const text = parts
    .map((part) =>
      // The brackets ⟦ and ⟧ are removed from the message, because they would look like
      // placeholders.
      part.kind === 'protected'
        ? `⟦${protectedParts.indexOf(part)}⟧`
        : part.text.replace(/[⟦⟧]/g, ''),
    )
    .join('')
  let held = ''
  function restore(piece: string, isLast = false): string {
    held += piece
    const start = held.lastIndexOf('⟦')
    const isCut = !isLast && start >= 0 && !held.includes('⟧', start)
    const ready = isCut ? held.slice(0, start) : held
    held = isCut ? held.slice(start) : ''
    return ready.replace(/⟦\s*(\d+)\s*⟧/g, (_, index) => protectedParts[index]?.text ?? '')
  }
  return { text, restore }
}
