import type { Words } from './en.ts'

export const de: Words = {
  title: 'Umfragen',
  create: 'Umfrage erstellen',
  question: 'Frage',
  options: 'Option {{ number }}',
  multiple: 'Mehrere Antworten erlauben',
  anonymous: 'Anonyme Abstimmung',
  hidden: 'Ergebnisse erst nach dem Ende der Umfrage anzeigen',
  none: 'In diesem Raum gibt es noch keine Umfragen.',
  by: 'Von {{ name }}',
  closed: 'Beendet',
  isAnonymous: 'Anonym',
  resultsLater: 'Die Ergebnisse werden nach dem Ende der Umfrage angezeigt',
  voters: {
    one: '{{ count }} Person hat abgestimmt',
    other: '{{ count }} Personen haben abgestimmt',
  },
  close: 'Umfrage beenden',
  conflict: 'Die Umfrage ist beendet.',
}
