import type { EngineName } from '#schema/messages/translate'

export const engineNames: Record<EngineName, string> = {
  ollama: 'Ollama',
  libretranslate: 'LibreTranslate',
  apertium: 'Apertium',
}

export function languageName(tag: string, pageLanguage: string): string {
  return new Intl.DisplayNames(pageLanguage, { type: 'language' }).of(tag) ?? tag
}
