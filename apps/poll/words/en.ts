import type { Plural } from '#app'

export const en = {
  title: 'Polls',
  create: 'Create poll',
  question: 'Question',
  options: 'Option {{ number }}',
  multiple: 'Allow multiple answers',
  anonymous: 'Anonymous votes',
  hidden: 'Hide results until the poll is closed',
  none: 'No polls in this room yet.',
  by: 'By {{ name }}',
  closed: 'Closed',
  isAnonymous: 'Anonymous',
  resultsLater: 'Results are shown when the poll is closed',
  voters: { one: '{{ count }} person voted', other: '{{ count }} people voted' } as Plural,
  close: 'Close poll',
  conflict: 'The poll is closed.',
}

export type Words = typeof en
