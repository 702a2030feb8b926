/** Keeps the rules of names out of the first load. */
export const Name = {}
