import { createEffect, onCleanup } from 'solid-js'
import { createStore } from 'solid-js/store'

export interface Settings {
  theme: 'system' | 'light' | 'dark'
  density: 'comfortable' | 'compact'
  /** The browser's, where empty. */
  language: string
}

const key = 'natter-settings'
const defaultSettings: Settings = {
  theme: 'system',
  density: 'comfortable',
  language: '',
}

/** How this browser shows things: no secret, and the same for whoever uses it. */
export function createSettings() {
  const [settings, setSettings] = createStore<Settings>({ ...defaultSettings, ...read() })
  // What is chosen in another tab holds here as well, and is not overwritten by what was chosen before.
  const onStorage = (event: StorageEvent) => {
    if (event.key === key) setSettings({ ...defaultSettings, ...read() })
  }
  window.addEventListener('storage', onStorage)
  onCleanup(() => window.removeEventListener('storage', onStorage))
  createEffect(() => {
    try {
      localStorage.setItem(key, JSON.stringify(settings))
    } catch {
      // Then they last as long as the page.
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
