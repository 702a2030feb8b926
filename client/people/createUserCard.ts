import { createContext, createSignal, useContext } from 'solid-js'
import type { UserId } from '#schema/ids'

export type UserCardState = ReturnType<typeof createUserCard>

/** Who is looked at more closely, beside what was pressed for that. */
export function createUserCard() {
  const [shown, setShown] = createSignal<{ user: UserId; beside: HTMLElement }>()
  return {
    shown,
    show: (user: UserId, beside: HTMLElement) => setShown({ user, beside }),
    close: () => setShown(),
  }
}

export const UserCardContext = createContext<UserCardState>()

export function useUserCard(): UserCardState {
  const card = useContext(UserCardContext)
  if (!card) throw new Error('There is no card around this')
  return card
}
