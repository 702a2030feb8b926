import { describe, expect, it } from 'vitest'
import { isEmojiOnly } from '../../client/text/emoji.ts'

describe('a text', () => {
  it.each(['😀', '🎉🎉 🎉', '👍🏽', '❤️', '👩‍👩‍👧‍👦', '🇩🇪🇫🇷', ' 🚢 '])(
    'of nothing but %s is emoji',
    (text) => {
      expect(isEmojiOnly(text)).toBe(true)
    },
  )

  it.each(['', '1', '#', 'a 😀', '😀!', '😀'.repeat(7), `😀\u200d`])('like %s is not', (text) => {
    expect(isEmojiOnly(text)).toBe(false)
  })
})
