import { describe, expect, it } from 'vitest'
import type { UserId } from '#schema/ids'
import { argsOf, usersIn } from '../../client/apps/card.ts'

const text = '{{ user }} gave {{ prize }} to {{ winner }}'
const card = {
  texts: { en: text, de: text, zh: text, ar: text },
  args: { prize: 'a cake' },
  by: 'alice' as UserId,
  users: { winner: 'bob' as UserId },
}

describe('a message of an app', () => {
  it('shows the current names of the user who called the app and of all mentioned users', () => {
    const names = argsOf(card, (user) => `<${user}>`)

    expect(names).toEqual({ user: '<alice>', prize: 'a cake', winner: '<bob>' })
    expect(usersIn(card)).toEqual(['alice', 'bob'])
  })

  it('may have neither a caller nor mentioned users', () => {
    const { by: _, users: __, ...others } = card

    expect(argsOf(others, String)).toEqual({ prize: 'a cake' })
    expect(usersIn(others)).toEqual([])
  })
})
