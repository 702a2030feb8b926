import type { AppHello } from '#schema/app-bridge'

/** The design tokens that apps receive. */
const tokenNames = [
  '--bg',
  '--surface',
  '--surface-2',
  '--raised',
  '--hover',
  '--selected',
  '--border',
  '--text',
  '--muted',
  '--faint',
  '--accent',
  '--accent-strong',
  '--on-accent',
  '--danger',
  '--danger-bg',
  '--warning-bg',
  '--warning-text',
  '--success',
  '--focus',
  '--radius',
  '--radius-small',
  '--space',
  '--font',
  '--mono',
  '--text-size',
]

export function readTheme(): AppHello['theme'] {
  const style = getComputedStyle(document.documentElement)
  return {
    scheme: style.colorScheme,
    tokens: Object.fromEntries(tokenNames.map((name) => [name, style.getPropertyValue(name)])),
  }
}

/**
 * Calls `onChange` when the theme, the density or the language has changed. Returns a function that
 * stops watching.
 */
export function watchAppearance(onChange: () => void): () => void {
  const dark = window.matchMedia('(prefers-color-scheme: dark)')
  const observer = new MutationObserver(onChange)
  observer.observe(document.documentElement, {
    attributeFilter: ['data-theme', 'data-density', 'lang', 'dir'],
  })
  dark.addEventListener('change', onChange)
  return () => {
    observer.disconnect()
    dark.removeEventListener('change', onChange)
  }
}
