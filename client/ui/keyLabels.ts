import type { Language } from '../i18n/createLanguage.ts'

const isApple = /Mac|iPhone|iPad/.test(navigator.platform)

export function keyLabels(t: Language['t']) {
  const ctrl = isApple ? '⌘' : t('shortcuts.ctrl')
  const alt = isApple ? '⌥' : 'Alt'
  const shift = isApple ? '⇧' : t('shortcuts.shift')
  return {
    switcher: `${ctrl} K`,
    unread: `${alt} ${shift} ↑ ↓`,
    rooms: `${alt} ${t('shortcuts.page')} ↑ ↓`,
    allRead: `${shift} Esc`,
    bold: `${ctrl} B`,
    italic: `${ctrl} I`,
    code: `${ctrl} E`,
    newLine: `${shift} Enter`,
    messages: `${alt} ↑`,
  }
}
