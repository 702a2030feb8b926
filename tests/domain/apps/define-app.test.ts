import { describe, expect, it } from 'vitest'
import { scheduled } from '#domain/apps/define-app'
import { checkPost } from '#domain/apps/post'
import type { UserId } from '#schema/ids'

const texts = (text: string) => ({ en: text, de: text, zh: text, ar: text })

describe('scheduled', () => {
  it('rejects an unknown option', () => {
    const when = { cron: '@weekly', rooms: async () => [] } as unknown as { everyMs: number }

    expect(() => scheduled({ rooms: async () => [], ...when }, async () => undefined)).toThrow(
      'there is no option cron; give everyMs and rooms',
    )
  })
})

describe('checkPost', () => {
  it('rejects a text with a placeholder that has no value in `args` or `users`', () => {
    const post = { texts: texts('{{ user }} thanked {{ name }}'), key: 'k' }

    expect(() => checkPost(post)).toThrow('args and users have no name')
    expect(() => checkPost({ ...post, args: { name: '{{ other }}' } })).not.toThrow()
    expect(() => checkPost({ ...post, users: { name: 'bob' as UserId } })).not.toThrow()
  })
})
