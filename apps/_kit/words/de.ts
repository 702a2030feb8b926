import type { KitWords } from './en.ts'

export const de: KitWords = {
  failed: 'Das hat nicht geklappt. Versuche es noch einmal.',
  rate_limited: 'Das machst du zu oft. Warte kurz und versuche es noch einmal.',
  forbidden: 'Du hast dafür keine Berechtigung.',
  not_found: 'Das gibt es nicht mehr.',
  conflict: 'Das hat sich inzwischen geändert. Prüfe es und versuche es noch einmal.',
  invalid: 'Eine der Angaben ist ungültig. Prüfe sie und versuche es noch einmal.',
  cancel: 'Abbrechen',
  add: 'Weiteres Feld hinzufügen',
  remove: '{{ field }} entfernen',
  withdraw: 'Meine Stimme zurückziehen',
  showTable: 'Als Tabelle anzeigen',
  answer: 'Antwort',
  votes: 'Stimmen',
  share: 'Anteil',
  people: 'Personen',
  more: '{{ count }} weitere',
}
