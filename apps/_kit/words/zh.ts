import type { KitWords } from './en.ts'

export const zh: KitWords = {
  failed: '操作失败，请重试。',
  rate_limited: '操作过于频繁，请稍后再试。',
  forbidden: '你没有权限执行此操作。',
  not_found: '该内容已不存在。',
  conflict: '内容已发生变化。请检查后重试。',
  invalid: '输入的内容无效。请检查后重试。',
  cancel: '取消',
  add: '再添加一项',
  remove: '删除{{ field }}',
  withdraw: '撤回我的投票',
  showTable: '以表格显示',
  answer: '答案',
  votes: '票数',
  share: '占比',
  people: '投票人',
  more: '另外 {{ count }} 人',
}
