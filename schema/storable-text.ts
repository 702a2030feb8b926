import * as v from 'valibot'

/** Text that can be stored: PostgreSQL rejects NUL, and UTF-8 cannot encode half a surrogate pair. */
export const StorableText = v.pipe(
  v.string(),
  v.check((text) => !text.includes('\0'), 'Invalid text: it contains a NUL character'),
  v.check((text) => text.isWellFormed(), 'Invalid text: it contains half a surrogate pair'),
)
