import type { KitWords } from './en.ts'

export const ar: KitWords = {
  failed: 'لم ينجح ذلك. حاول مرة أخرى.',
  rate_limited: 'أنت تفعل ذلك كثيرًا. انتظر قليلًا ثم حاول مرة أخرى.',
  forbidden: 'ليس لديك إذن للقيام بذلك.',
  not_found: 'لم يعد هذا موجودًا.',
  conflict: 'تغيّر هذا في هذه الأثناء. تحقّق منه وحاول مرة أخرى.',
  invalid: 'بعض ما أدخلته غير صالح. تحقّق منه وحاول مرة أخرى.',
  cancel: 'إلغاء',
  add: 'إضافة حقل آخر',
  remove: 'إزالة {{ field }}',
  withdraw: 'سحب صوتي',
  showTable: 'عرض كجدول',
  answer: 'الإجابة',
  votes: 'الأصوات',
  share: 'النسبة',
  people: 'الأشخاص',
  more: '{{ count }} آخرون',
}
