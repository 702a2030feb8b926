import { createEffect, onCleanup } from 'solid-js'
import { createStore } from 'solid-js/store'

export interface Settings {
  theme: 'system' | 'light' | 'dark'
  density: 'comfortable' | 'compact'
  /** Empty for the browser's language. */
  language: string
}

const key = 'natter-settings'
const defaultSettings: Settings = {
  theme: 'system',
  density: 'comfortable',
  language: '',
}

export type SettingsStore = ReturnType<typeof createSettings>

/** All users and tabs of this browser share these settings. */
export function createSettings() {
  const [settings, setSettings] = createStore<Settings>({ ...defaultSettings, ...read() })
  // Reads changes of other tabs. Otherwise this tab's next change would overwrite them.
  const onStorage = (event: StorageEvent) => {
    if (event.key === key) setSettings({ ...defaultSettings, ...read() })
  }
  window.addEventListener('storage', onStorage)
  onCleanup(() => window.removeEventListener('storage', onStorage))
  createEffect(() => {
    try {
      localStorage.setItem(key, JSON.stringify(settings))
    } catch {
      // The storage is full or disabled: the settings are lost when the page is closed.
    }
  })
  createEffect(() => {
    document.documentElement.dataset.theme = settings.theme
    document.documentElement.dataset.density = settings.density
  })
  return [settings, setSettings] as const
}

function read(): Partial<Settings> {
  try {
    return JSON.parse(localStorage.getItem(key) ?? '{}')
  } catch {
    return {}
  }
}
