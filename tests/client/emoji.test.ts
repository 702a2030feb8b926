import { describe, expect, it } from 'vitest'
import { isEmojiOnly } from '../../client/text/emoji.ts'

describe('isEmojiOnly', () => {
  it.each(['😀', '🎉🎉 🎉', '👍🏽', '❤️', '👩‍👩‍👧‍👦', '🇩🇪🇫🇷', ' 🚢 '])(
    'returns true for %s',
    (text) => {
      expect(isEmojiOnly(text)).toBe(true)
    },
  )

  it.each(['', '1', '#', 'a 😀', '😀!', '😀'.repeat(7), `😀\u200d`])(
    'returns false for %j',
    (text) => {
      expect(isEmojiOnly(text)).toBe(false)
    },
  )
})
