export type BadPayload = [name: string, payload: string | Uint8Array]

/**
 * What no function takes, whatever its contract: each with the name it goes by in the tests. `fields`
 * is what the function would take.
 */
export function badPayloads(fields: Record<string, unknown>): BadPayload[] {
  const [first] = Object.keys(fields)
  const withField = (extra: string) =>
    `${JSON.stringify(fields).slice(0, -1)}${first ? ',' : ''}${extra}}`
  return [
    ['what is no JSON', '{"text"'],
    ['bytes that are no text', new Uint8Array([0xff, 0xfe, 0x7b, 0x7d])],
    ['a list', '[]'],
    ['a list of what it takes', JSON.stringify([fields])],
    ['a text', '"text"'],
    ['a number', '1'],
    ['nothing but null', 'null'],
    ['a field it does not know', withField('"unknown":true')],
    ['another caller', withField('"caller":"bob"')],
    ['a prototype', withField('"__proto__":{"isAdmin":true}')],
    ['a constructor', withField('"constructor":{"prototype":{"isAdmin":true}}')],
    [
      'what is nested 100,000 deep',
      withField(`"deep":${'['.repeat(100_000)}${']'.repeat(100_000)}`),
    ],
    ['close to a megabyte', withField(`"big":"${'x'.repeat(1_000_000)}"`)],
    ...Object.keys(fields).flatMap((field): BadPayload[] => [
      [`a list as ${field}`, JSON.stringify({ ...fields, [field]: [fields[field]] })],
      [`an object as ${field}`, JSON.stringify({ ...fields, [field]: { length: 1 } })],
      [`null as ${field}`, JSON.stringify({ ...fields, [field]: null })],
      [`true as ${field}`, JSON.stringify({ ...fields, [field]: true })],
    ]),
  ]
}
