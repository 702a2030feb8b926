export type BadPayload = [name: string, payload: string | Uint8Array]

export function badPayloads(validInput: Record<string, unknown>): BadPayload[] {
  const [first] = Object.keys(validInput)
  const withField = (extra: string) =>
    `${JSON.stringify(validInput).slice(0, -1)}${first ? ',' : ''}${extra}}`
  return [
    ['malformed JSON', '{"text"'],
    ['invalid UTF-8', new Uint8Array([0xff, 0xfe, 0x7b, 0x7d])],
    ['an array', '[]'],
    ['the valid input in an array', JSON.stringify([validInput])],
    ['a string', '"text"'],
    ['a number', '1'],
    ['null', 'null'],
    ['an unknown field', withField('"unknown":true')],
    ['a caller field', withField('"caller":"bob"')],
    ['a __proto__ field', withField('"__proto__":{"isAdmin":true}')],
    ['a constructor field', withField('"constructor":{"prototype":{"isAdmin":true}}')],
    ['arrays nested 30,000 deep', withField(`"deep":${'['.repeat(30_000)}${']'.repeat(30_000)}`)],
    ['an unknown field of 150 kB', withField(`"big":"${'x'.repeat(150_000)}"`)],
    ...Object.keys(validInput).flatMap((field): BadPayload[] => [
      [`an array as ${field}`, JSON.stringify({ ...validInput, [field]: [validInput[field]] })],
      [`an object as ${field}`, JSON.stringify({ ...validInput, [field]: { length: 1 } })],
      [`null as ${field}`, JSON.stringify({ ...validInput, [field]: null })],
      [`true as ${field}`, JSON.stringify({ ...validInput, [field]: true })],
      // PostgreSQL cannot store NUL, and UTF-8 cannot encode half a surrogate pair.
      ...['a\0b', 'a\ud800b'].flatMap((text): BadPayload[] =>
        typeof validInput[field] === 'string'
          ? [
              [
                `${JSON.stringify(text)} as ${field}`,
                JSON.stringify({ ...validInput, [field]: text }),
              ],
            ]
          : [],
      ),
    ]),
  ]
}
