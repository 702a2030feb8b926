import { createContext, useContext } from 'solid-js'
import type { AppId } from '#schema/messages/app'

/** Opens an app of the room in the side panel. Absent for users who have not joined the room. */
export const OpenAppContext = createContext<(app: AppId) => void>()

export function useOpenApp() {
  return useContext(OpenAppContext)
}
