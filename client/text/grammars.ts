import { common, createLowlight } from 'lowlight'

/** Large: import it dynamically, when code is shown. */
export const grammars = createLowlight(common)
