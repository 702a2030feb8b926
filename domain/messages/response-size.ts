/**
 * The NATS server accepts messages of up to 1 MB, and the other fields of a response need some of
 * this space.
 */
export const maxResponseBytes = 900_000

export function sizeOf(part: unknown): number {
  return Buffer.byteLength(JSON.stringify(part))
}

export function takeWithinBytes<Part>(parts: readonly Part[]): Part[] {
  let left = maxResponseBytes
  const end = parts.findIndex((part) => {
    // The comma between two parts needs one more byte.
    left -= sizeOf(part) + 1
    return left < 0
  })
  return end < 0 ? [...parts] : parts.slice(0, end)
}
