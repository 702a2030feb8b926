import { createContext, createSignal, useContext } from 'solid-js'
import type { UserId } from '#schema/ids'

export type Card = ReturnType<typeof createCard>

/** Who is looked at more closely, beside what was pressed for that. */
export function createCard() {
  const [shown, setShown] = createSignal<{ user: UserId; beside: HTMLElement }>()
  return {
    shown,
    show: (user: UserId, beside: HTMLElement) => setShown({ user, beside }),
    close: () => setShown(),
  }
}

export const CardContext = createContext<Card>()

export function useCard(): Card {
  const card = useContext(CardContext)
  if (!card) throw new Error('There is no card around this')
  return card
}
