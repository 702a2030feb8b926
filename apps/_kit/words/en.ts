/** The texts of the kit itself. */
export const en = {
  failed: 'That didn’t work. Try again.',
  rate_limited: 'You’re doing this too often. Wait a moment and try again.',
  forbidden: 'You don’t have permission to do this.',
  not_found: 'This no longer exists.',
  conflict: 'This has changed in the meantime. Check it and try again.',
  invalid: 'Something you entered isn’t valid. Check it and try again.',
  cancel: 'Cancel',
  add: 'Add another',
  remove: 'Remove {{ field }}',
  withdraw: 'Remove my vote',
  showTable: 'Show as table',
  answer: 'Answer',
  votes: 'Votes',
  share: 'Share',
  people: 'People',
  more: '{{ count }} more',
}

export type KitWords = typeof en
