import * as v from 'valibot'
import { StorableText } from '#schema/storable-text'

/** Schema of a text without spaces at its ends, which is not empty unless `minLength` is 0. */
export function text(maxLength: number, minLength = 1) {
  return v.pipe(StorableText, v.trim(), v.minLength(minLength), v.maxLength(maxLength))
}

export function integer(min: number, max: number) {
  return v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max))
}
