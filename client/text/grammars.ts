import { common, createLowlight } from 'lowlight'

/** Heavy, so it is only ever imported when somebody shows code. */
export const grammars = createLowlight(common)
