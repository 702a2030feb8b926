/** Of the server's maximum payload of 1 MB, with room for the rest of the response. */
export const maxResponseBytes = 900_000

/** Returns the bytes of a value as JSON. */
export function sizeOf(part: unknown): number {
  return Buffer.byteLength(JSON.stringify(part))
}

/** Returns the longest prefix of a list that fits into one response. */
export function takeWithinBytes<Part>(parts: readonly Part[]): Part[] {
  let left = maxResponseBytes
  const end = parts.findIndex((part) => {
    // + 1 for the comma.
    left -= sizeOf(part) + 1
    return left < 0
  })
  return end < 0 ? [...parts] : parts.slice(0, end)
}
