import type * as en from './en.ts'

export const common: typeof en.common = {
  cancel: 'إلغاء',
}

export const fields: typeof en.fields = {
  add: 'إضافة حقل آخر',
  remove: 'إزالة {{ field }}',
}

export const results: typeof en.results = {
  withdraw: 'سحب صوتي',
  showTable: 'عرض كجدول',
  answer: 'الإجابة',
  votes: 'الأصوات',
  share: 'النسبة',
  people: 'الأشخاص',
  more: '{{ count }} آخرون',
}
