import * as v from 'valibot'
import { StorableText } from '#schema/storable-text'

/**
 * Returns a schema that removes the spaces at both ends of a text, and then rejects a text that is
 * too short or too long.
 */
export function text(maxLength: number, minLength = 1) {
  return v.pipe(StorableText, v.trim(), v.minLength(minLength), v.maxLength(maxLength))
}

export function integer(min: number, max: number) {
  return v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max))
}
