import type { KitWords } from './en.ts'

export const de: KitWords = {
  failed: 'Das hat nicht geklappt. Versuche es noch einmal.',
  tooMany: 'Das machst du zu oft. Warte kurz und versuche es noch einmal.',
  cancel: 'Abbrechen',
  showTable: 'Als Tabelle anzeigen',
  answer: 'Antwort',
  votes: 'Stimmen',
  share: 'Anteil',
  people: 'Personen',
  more: '{{ count }} weitere',
}
