import { createContext } from 'solid-js'

/**
 * Copies a text, and returns false on failure. The page provides an implementation that, on
 * failure, also shows the text in a dialog for copying by hand.
 */
export const CopyTextContext = createContext(async (text: string): Promise<boolean> => {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return false
  }
})
