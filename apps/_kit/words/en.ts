/** The texts of the kit itself. */
export const en = {
  failed: 'That didn’t work. Try again.',
  tooMany: 'You’re doing this too often. Wait a moment and try again.',
  cancel: 'Cancel',
  showTable: 'Show as table',
  answer: 'Answer',
  votes: 'Votes',
  share: 'Share',
  people: 'People',
  more: '{{ count }} more',
}

export type KitWords = typeof en
