/**
 * Replaces the valibot schema `Name` of schema/name.ts. The rules of that schema would enlarge the
 * JavaScript that is loaded first.
 */
export const Name = {}
