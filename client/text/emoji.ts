const sign = String.raw`\p{Extended_Pictographic}[\u{fe0f}\p{Emoji_Modifier}]*`
const flag = String.raw`\p{Regional_Indicator}{2}`
const few = new RegExp(`^(?:(?:${flag}|${sign}(?:\u200d${sign})*)\\s*){1,6}$`, 'u')

/** Whether somebody says it with a few signs alone: those may be larger than letters. */
export function isEmojiOnly(text: string): boolean {
  return text.length <= 80 && few.test(text.trim())
}
