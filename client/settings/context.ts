import { createContext, useContext } from 'solid-js'
import type { createSettings } from './createSettings.ts'

export const SettingsContext = createContext<ReturnType<typeof createSettings>>()

export function useSettings() {
  const settings = useContext(SettingsContext)
  if (!settings) throw new Error('useSettings needs a SettingsContext provider')
  return settings
}
