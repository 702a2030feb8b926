import { createContext, createSignal, useContext } from 'solid-js'
import type { UserId } from '#schema/ids'

export type UserCardState = ReturnType<typeof createUserCard>

export function createUserCard() {
  const [shown, setShown] = createSignal<{ user: UserId; anchor: HTMLElement }>()
  return {
    shown,
    show: (user: UserId, anchor: HTMLElement) => setShown({ user, anchor }),
    close: () => setShown(),
  }
}

export const UserCardContext = createContext<UserCardState>()

export function useUserCard(): UserCardState {
  const card = useContext(UserCardContext)
  if (!card) throw new Error('useUserCard needs a UserCardContext provider')
  return card
}
