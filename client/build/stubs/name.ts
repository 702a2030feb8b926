/**
 * Replaces the valibot schema `Name`, whose rules would enlarge the JavaScript that is loaded first.
 */
export const Name = {}
