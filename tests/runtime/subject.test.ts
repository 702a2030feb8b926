import { describe, expect, it } from 'vitest'
import { isToken, overlaps, parseSubject, tokenAt } from '../../runtime/api/subject.ts'

describe('parseSubject', () => {
  const subject = parseSubject('as.{caller}.room.{room}.join')

  it('returns the pattern and the parameters', () => {
    expect(subject.pattern).toBe('as.*.room.*.join')
    expect(subject.params).toEqual(['caller', 'room'])
    expect(subject.callerIndex).toBe(1)
    expect(subject.paramPositions).toEqual([{ name: 'room', index: 3 }])
  })

  it('fills in the caller from a separate argument, never from the data', () => {
    const data = { caller: 'mallory', room: 'general', text: 'hi' }

    expect(subject.fill(data, 'alice')).toBe('as.alice.room.general.join')
    expect(() => subject.fill(data)).toThrow('nothing cannot be {caller}')
    expect(subject.narrow({ room: 'general' })).toBe('as.*.room.general.join')
    expect(subject.rest(data)).toEqual({ text: 'hi' })
  })

  it.each(['', 'a.b', '*', '>', 'a b', 'a\r\nb', 'x'.repeat(65), 7, null, undefined])(
    'rejects %j as the value of a parameter',
    (room) => {
      expect(isToken(room)).toBe(false)
      expect(() => subject.fill({ room }, 'alice')).toThrow(RangeError)
    },
  )

  it.each(['', 'a..b', 'a.*', 'a.>', 'a b', 'a.{room', 'a.{1}', 'a.x{room}'])(
    'rejects the template %j',
    (template) => {
      expect(() => parseSubject(template)).toThrow(SyntaxError)
    },
  )

  it('rejects a template that names a parameter twice', () => {
    expect(() => parseSubject('a.{room}.{room}')).toThrow('names {room} twice')
  })

  it('reads the parameter values from a received subject', () => {
    const received = 'as.alice.room.general.join'

    expect(subject.read(received)).toEqual({ caller: 'alice', room: 'general' })
    expect([0, 3, 4].map((index) => tokenAt(received, index))).toEqual(['as', 'general', 'join'])
  })
})

describe('overlaps', () => {
  it.each([
    ['a.b', 'a.b', true],
    ['a.b', 'a.c', false],
    ['a.b', 'a', false],
    ['a.b', 'a.b.c', false],
    ['a.*', 'a.b', true],
    ['a.*.c', '*.b.*', true],
    ['a.*.c', '*.b.d', false],
    ['a.>', 'a.b.c', true],
    ['a.>', 'a', false],
    ['>', 'a', true],
    ['a.>', 'b.>', false],
    ['a.b.>', 'a.>', true],
  ])('compares the patterns %s and %s, and returns %s', (a, b, expected) => {
    expect(overlaps(a, b)).toBe(expected)
    expect(overlaps(b, a)).toBe(expected)
  })
})
