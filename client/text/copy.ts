import { createContext } from 'solid-js'

/** Returns false if it fails. The page provides a version that then shows the text in a dialog. */
export const CopyTextContext = createContext(async (text: string): Promise<boolean> => {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return false
  }
})
