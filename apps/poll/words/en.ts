import type { Plural } from '#app'

export const en = {
  title: 'Polls',
  create: 'Create poll',
  question: 'Question',
  option: 'Option {{ number }}',
  addOption: 'Add option',
  removeOption: 'Remove option {{ number }}',
  multiple: 'Allow multiple answers',
  anonymous: 'Anonymous votes',
  hidden: 'Hide results until the poll is closed',
  none: 'No polls in this room yet.',
  by: 'By {{ name }}',
  closed: 'Closed',
  isAnonymous: 'Anonymous',
  resultsLater: 'Results are shown when the poll is closed.',
  voters: { one: '{{ count }} person voted', other: '{{ count }} people voted' } as Plural,
  withdraw: 'Remove my vote',
  close: 'Close poll',
}

export type Words = typeof en
