import type { NameProblem } from '#schema/text/name'
import type { Language } from './createLanguage.ts'

export function nameProblemText(t: Language['t'], problem: NameProblem): string {
  return t(problem === 'empty' || problem === 'tooLong' ? `name.${problem}` : 'name.hidden')
}
