/** Replaces schema/name.ts, which would load the rules of names at the start of the page. */
export const Name = {}
