import type { Words } from './en.ts'

export const ar: Words = {
  title: 'استطلاعات الرأي',
  create: 'إنشاء استطلاع',
  question: 'السؤال',
  options: 'الخيار {{ number }}',
  multiple: 'السماح بإجابات متعددة',
  anonymous: 'تصويت مجهول',
  hidden: 'إخفاء النتائج حتى إغلاق الاستطلاع',
  none: 'لا توجد استطلاعات في هذه الغرفة بعد.',
  by: 'بواسطة {{ name }}',
  closed: 'مغلق',
  isAnonymous: 'مجهول',
  resultsLater: 'تظهر النتائج عند إغلاق الاستطلاع',
  voters: {
    zero: 'لم يصوّت أحد',
    one: 'صوّت شخص واحد',
    two: 'صوّت شخصان',
    few: 'صوّت {{ count }} أشخاص',
    many: 'صوّت {{ count }} شخصًا',
    other: 'صوّت {{ count }} شخص',
  },
  close: 'إغلاق الاستطلاع',
  conflict: 'أُغلق الاستطلاع.',
}
