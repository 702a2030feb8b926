export const en = {
  roll: 'Roll',
  none: 'Nobody has rolled yet.',
  rolled: '{{ name }} rolled a {{ result }}.',
}

export type Words = typeof en
