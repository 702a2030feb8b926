import type { Words } from './en.ts'

export const zh: Words = {
  roll: '掷骰子',
  none: '还没有人掷骰子。',
  rolled: '{{ name }} 掷出了 {{ result }} 点。',
}
