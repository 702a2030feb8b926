import { common, createLowlight } from 'lowlight'

/** Large: import this module dynamically. */
export const grammars = createLowlight(common)
