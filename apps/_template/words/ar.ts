import type { Words } from './en.ts'

export const ar: Words = {
  roll: 'ارمِ النرد',
  none: 'لم يرمِ أحد النرد بعد.',
  rolled: 'رمى {{ name }} النرد وحصل على {{ result }}.',
}
