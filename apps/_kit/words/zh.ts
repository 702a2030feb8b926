import type * as en from './en.ts'

export const common: typeof en.common = {
  cancel: '取消',
}

export const fields: typeof en.fields = {
  add: '再添加一项',
  remove: '删除{{ field }}',
}

export const results: typeof en.results = {
  withdraw: '撤回我的投票',
  showTable: '以表格显示',
  answer: '答案',
  votes: '票数',
  share: '占比',
  people: '投票人',
  more: '另外 {{ count }} 人',
}
