import { createContext } from 'solid-js'

/** The page provides a version with a fallback. */
export const CopyTextContext = createContext(async (text: string): Promise<boolean> => {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return false
  }
})
