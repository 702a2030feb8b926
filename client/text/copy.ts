import { createContext } from 'solid-js'

/** Takes text along, and answers whether that worked. A page that knows what to do otherwise provides it. */
export const CopyTextContext = createContext(async (text: string): Promise<boolean> => {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return false
  }
})
