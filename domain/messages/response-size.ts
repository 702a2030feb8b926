/** What the parts of one answer may take, in bytes: the server carries 1 MB, and no more. */
export const maxResponseBytes = 900_000

/** What a part takes, in bytes. */
export function sizeOf(part: unknown): number {
  return Buffer.byteLength(JSON.stringify(part))
}

/** As many of these as fit into one answer, from the first on. */
export function takeWithinBytes<Part>(parts: readonly Part[]): Part[] {
  let left = maxResponseBytes
  const end = parts.findIndex((part) => {
    // With the comma behind it.
    left -= sizeOf(part) + 1
    return left < 0
  })
  return end < 0 ? [...parts] : parts.slice(0, end)
}
