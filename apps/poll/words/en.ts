import type { Plural } from './plural.ts'

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
  cancel: 'Cancel',
  none: 'No polls in this room yet.',
  by: 'By {{ name }}',
  closed: 'Closed',
  isAnonymous: 'Anonymous',
  resultsLater: 'Results are shown when the poll is closed.',
  voters: { one: '{{ count }} person voted', other: '{{ count }} people voted' } as Plural,
  withdraw: 'Remove my vote',
  close: 'Close poll',
  results: 'Show as table',
  answer: 'Answer',
  votes: 'Votes',
  share: 'Share',
  people: 'People',
  more: 'and {{ count }} more',
  failed: 'That didn’t work. Try again.',
  tooMany: 'You’re doing this too often. Wait a moment and try again.',
}

export type Words = typeof en
