import type * as en from './en.ts'

export const common: typeof en.common = {
  cancel: 'Abbrechen',
}

export const fields: typeof en.fields = {
  add: 'Weiteres Feld hinzufügen',
  remove: '{{ field }} entfernen',
}

export const results: typeof en.results = {
  withdraw: 'Meine Stimme zurückziehen',
  showTable: 'Als Tabelle anzeigen',
  answer: 'Antwort',
  votes: 'Stimmen',
  share: 'Anteil',
  people: 'Personen',
  more: '{{ count }} weitere',
}
