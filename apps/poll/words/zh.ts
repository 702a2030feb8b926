import type { Words } from './en.ts'

export const zh: Words = {
  title: '投票',
  create: '创建投票',
  question: '问题',
  options: '选项 {{ number }}',
  multiple: '允许多选',
  anonymous: '匿名投票',
  hidden: '投票结束前隐藏结果',
  none: '此房间还没有投票。',
  by: '由 {{ name }} 创建',
  closed: '已结束',
  isAnonymous: '匿名',
  resultsLater: '结果将在投票结束后显示',
  voters: { other: '{{ count }} 人已投票' },
  close: '结束投票',
  conflict: '投票已结束。',
}
