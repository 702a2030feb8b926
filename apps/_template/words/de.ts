import type { Words } from './en.ts'

export const de: Words = {
  roll: 'Würfeln',
  none: 'Noch niemand hat gewürfelt.',
  rolled: '{{ name }} hat eine {{ result }} gewürfelt.',
}
