import { describe, expect, it } from 'vitest'
import { nameKeys } from '#domain/users/name-keys'

const lookAlike = (a: string, b: string) => nameKeys(a).some((key) => nameKeys(b).includes(key))

describe('nameKeys', () => {
  it.each([
    ['Alice Adams', 'alice adams'],
    ['Alice Adams', 'AliceAdams'],
    ['Alice Adams', 'Αlіcе Adаms'],
    ['Alice Adams', 'AIice Adams'],
    ['Alice Adams', 'Alice Adams ✔️'],
    ['Alice Adams', '@alice.adams'],
    ['ALICE', 'Alice'],
    ['Bob', 'B0b'],
    ['Ｂｏｂ', 'Bob'],
    ['علی\u200cرضا', 'علیرضا'],
    ['🎉', '🎉'],
  ])('returns a common key for the similar names %s and %s', (a, b) => {
    expect(lookAlike(a, b)).toBe(true)
  })

  it.each([
    ['Alice Adams', 'Alice Adamson'],
    ['José', 'Jose'],
    ['王小明', '王小朋'],
    ['🎉', '🎊'],
    ['constructor', '__proto__'],
  ])('returns no common key for the different names %s and %s', (a, b) => {
    expect(lookAlike(a, b)).toBe(false)
  })
})
