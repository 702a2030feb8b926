import type { KitWords } from './en.ts'

export const zh: KitWords = {
  failed: '操作失败，请重试。',
  tooMany: '操作过于频繁，请稍后再试。',
  cancel: '取消',
  showTable: '以表格显示',
  answer: '答案',
  votes: '票数',
  share: '占比',
  people: '投票人',
  more: '另外 {{ count }} 人',
}
