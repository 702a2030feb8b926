import { createContext, createSignal, useContext } from 'solid-js'

export type Clipboard = ReturnType<typeof createClipboard>

/** Takes text along by the clipboard; where the browser refuses that, somebody can do it by hand. */
export function createClipboard(onCopied: () => void) {
  const [byHand, setByHand] = createSignal<string>()

  async function attempt(text: string): Promise<boolean> {
    try {
      await navigator.clipboard.writeText(text)
      return true
    } catch {
      setByHand(text)
      return false
    }
  }
  return {
    /** What could not be copied. */
    byHand,
    close: () => setByHand(undefined),
    /** For who shows by themselves that it worked. */
    attempt,
    async copy(text: string) {
      if (await attempt(text)) onCopied()
    },
  }
}

export const ClipboardContext = createContext<Clipboard>()

export function useClipboard(): Clipboard {
  const copy = useContext(ClipboardContext)
  if (!copy) throw new Error('There is nothing to copy with around this')
  return copy
}
