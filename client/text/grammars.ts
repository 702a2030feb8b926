import { common, createLowlight } from 'lowlight'

/** Grammars for highlighting. They are large: import this module dynamically, when code is shown. */
export const grammars = createLowlight(common)
