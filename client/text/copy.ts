import { createContext } from 'solid-js'

/**
 * Copies a text, and returns false on failure. The page provides an implementation that then shows the
 * text in a dialog.
 */
export const CopyTextContext = createContext(async (text: string): Promise<boolean> => {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return false
  }
})
