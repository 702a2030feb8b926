const emoji = String.raw`\p{Extended_Pictographic}[\u{fe0f}\p{Emoji_Modifier}]*`
const flag = String.raw`\p{Regional_Indicator}{2}`
const fewEmoji = new RegExp(`^(?:(?:${flag}|${emoji}(?:\u200d${emoji})*)\\s*){1,6}$`, 'u')

export function isEmojiOnly(text: string): boolean {
  return text.length <= 80 && fewEmoji.test(text.trim())
}
