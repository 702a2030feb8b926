import { createContext, createSignal, useContext } from 'solid-js'

export type Clipboard = ReturnType<typeof createClipboard>

export function createClipboard(onCopied: () => void) {
  const [manualText, setManualText] = createSignal<string>()

  async function tryCopy(text: string): Promise<boolean> {
    try {
      await navigator.clipboard.writeText(text)
      return true
    } catch {
      setManualText(text)
      return false
    }
  }
  return {
    manualText,
    close: () => setManualText(undefined),
    /** Copies without showing a confirmation, for callers that show their own. */
    tryCopy,
    async copy(text: string) {
      if (await tryCopy(text)) onCopied()
    },
  }
}

export const ClipboardContext = createContext<Clipboard>()

export function useClipboard(): Clipboard {
  const clipboard = useContext(ClipboardContext)
  if (!clipboard) throw new Error('useClipboard needs a ClipboardContext provider')
  return clipboard
}
