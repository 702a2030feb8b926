// The texts of the kit, in groups. The build of an app contains only the groups of those components
// of the kit that the app uses.

export const common = {
  cancel: 'Cancel',
}

export const fields = {
  add: 'Add another',
  remove: 'Remove {{ field }}',
}

export const results = {
  withdraw: 'Remove my vote',
  showTable: 'Show as table',
  answer: 'Answer',
  votes: 'Votes',
  share: 'Share',
  people: 'People',
  more: '{{ count }} more',
}
