import type { KitWords } from './en.ts'

export const ar: KitWords = {
  failed: 'لم ينجح ذلك. حاول مرة أخرى.',
  tooMany: 'أنت تفعل ذلك كثيرًا. انتظر قليلًا ثم حاول مرة أخرى.',
  cancel: 'إلغاء',
  showTable: 'عرض كجدول',
  answer: 'الإجابة',
  votes: 'الأصوات',
  share: 'النسبة',
  people: 'الأشخاص',
  more: '{{ count }} آخرون',
}
