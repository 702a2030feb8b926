import type { Words } from './en.ts'

export const de: Words = {
  title: 'Umfragen',
  create: 'Umfrage erstellen',
  question: 'Frage',
  option: 'Option {{ number }}',
  addOption: 'Option hinzufügen',
  removeOption: 'Option {{ number }} entfernen',
  multiple: 'Mehrere Antworten erlauben',
  anonymous: 'Anonyme Abstimmung',
  hidden: 'Ergebnisse erst nach dem Ende der Umfrage anzeigen',
  none: 'In diesem Raum gibt es noch keine Umfragen.',
  by: 'Von {{ name }}',
  closed: 'Beendet',
  isAnonymous: 'Anonym',
  resultsLater: 'Die Ergebnisse werden nach dem Ende der Umfrage angezeigt.',
  voters: {
    one: '{{ count }} Person hat abgestimmt',
    other: '{{ count }} Personen haben abgestimmt',
  },
  withdraw: 'Meine Stimme zurückziehen',
  close: 'Umfrage beenden',
}
