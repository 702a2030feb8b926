import { describe, expect, it } from 'vitest'
import { findCompletionQuery } from '../../client/composer/completionQuery.ts'
import { findEmoji } from '../../client/emoji/emojiNames.ts'
import { isEmojiOnly } from '../../client/text/emoji.ts'
import { matchRank } from '../../client/text/matching.ts'

describe('findCompletionQuery', () => {
  it.each([
    ['@', 'person', ''],
    ['(@BRO', 'person', 'bro'],
    ['hi @tomás', 'person', 'tomás'],
    ['hi @jane.do', 'person', 'jane.do'],
    ['@li+1@mail.ex', 'person', 'li+1@mail.ex'],
    ['ship it :rock', 'emoji', 'rock'],
    ['well :+1', 'emoji', '+1'],
    ['well :+1:', 'emoji', '+1:'],
  ])('finds the name that is being typed at the end of %s', (before, kind, text) => {
    expect(findCompletionQuery(before)).toMatchObject({ kind, text })
  })

  it.each(['bob@example', '@@', '@bob ', '@bob.', 'at 12:30', 'http://x', ':)', ':D', '```\n@bob'])(
    'finds no completion in %j',
    (before) => {
      expect(findCompletionQuery(before)).toBeUndefined()
    },
  )
})

describe('matchRank', () => {
  it('matches the beginning of any word of a name, ignoring case and diacritics', () => {
    expect(matchRank('tomas', 'tsilva', 'Tomás Silva')).toBe(0)
    expect(matchRank('SIL', 'tsilva', 'Tomás Silva')).toBe(1)
    expect(matchRank('ilva', 'tsilva', 'Tomás Silva')).toBeUndefined()
    expect(matchRank('silva tom', 'tsilva', 'Tomás Silva')).toBe(1)
    expect(matchRank('lukasz', 'l.k', 'Łukasz Kowalski')).toBe(0)
    expect(matchRank('小明', 'wxm', '王小明')).toBe(1)
  })
})

describe('findEmoji', () => {
  it('returns emoji without duplicates, each with a unique name', () => {
    const all = findEmoji('', Number.POSITIVE_INFINITY)
    expect(all.filter(([emoji]) => !isEmojiOnly(emoji))).toEqual([])
    expect(all.filter(([, name]) => !/^[a-z0-9_+-]+$/.test(name))).toEqual([])
    expect(new Set(all.map(([, name]) => name)).size).toBe(all.length)
    expect(new Set(all.map(([emoji]) => emoji)).size).toBe(all.length)
  })

  it('returns emoji with a matching name before emoji with a matching search word', () => {
    expect(findEmoji('rocket', 3)[0]?.[0]).toBe('🚀')
    expect(findEmoji('party', 9).map(([emoji]) => emoji)).toContain('🎉')
    expect(findEmoji('tada:', 9).map(([emoji]) => emoji)).toEqual(['🎉'])
  })
})
