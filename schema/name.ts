import * as v from 'valibot'
import { maxNameLength, readName, type UnusableName } from './text/name.ts'

export const Name = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const reading = readName(dataset.value)
    if ('name' in reading) return reading.name
    addIssue({ message: describe(reading) })
    return NEVER
  }),
)

function describe({ problem, character }: UnusableName): string {
  switch (problem) {
    case 'empty':
      return 'Invalid name: it shows nothing; use at least one letter, digit or symbol'
    case 'tooLong':
      return `Invalid name: it is longer than ${maxNameLength} characters; shorten it`
    case 'control':
      return `Invalid name: it contains a line break or control character (${character}); remove it`
    case 'direction':
      return `Invalid name: it contains a character that changes the writing direction (${character}); remove it`
    case 'invisible':
      return `Invalid name: it contains an invisible character that has no effect there (${character}); remove it`
    case 'marks':
      return 'Invalid name: a letter has more than five marks; remove some'
  }
}
