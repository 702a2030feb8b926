import { createSignal } from 'solid-js'

const shownMs = 6_000

/** Short sentences about what has just happened, each for a few seconds. */
export function createToasts() {
  const [notes, setNotes] = createSignal<readonly string[]>([])
  return {
    notes,
    say(note: string) {
      setNotes((before) => [...before, note])
      setTimeout(() => setNotes((before) => before.slice(1)), shownMs)
    },
  }
}
