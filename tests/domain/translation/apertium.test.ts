import { beforeAll, describe, expect, it } from 'vitest'
import { createApertium } from '#domain/translation/apertium'
import type { Engine } from '#domain/translation/engine'
import { findOutputProblem } from '#domain/translation/output-check'
import { splitForTranslation } from '#schema/text/translatable'
import { findApertium } from '../../../stack/install/apertium.ts'
import { chatLines } from '../../support/chat-lines.ts'

let engine: Engine
beforeAll(async () => {
  engine = createApertium(await findApertium())
})

async function translate(
  text: string,
  from = 'en',
  to = 'es',
  signal = new AbortController().signal,
) {
  const pieces: string[] = []
  const parts = splitForTranslation(text)
  for await (const piece of engine.translate({ parts, from, to, signal })) pieces.push(piece)
  return pieces
}

describe('Apertium', () => {
  it('lists the installed language pairs by two-letter codes', async () => {
    const pairs = await engine.probe(new AbortController().signal)

    expect(pairs?.en).toContain('es')
    expect(pairs?.es).toEqual(expect.arrayContaining(['en', 'it', 'fr']))
  })

  it('yields the translation sentence by sentence', async () => {
    const pieces = await translate('The house is big. The garden is small.\n\nWe are here.')

    expect(pieces.join('')).toBe('La casa es grande. El jardín es pequeño.\n\nSomos aquí.')
    expect(pieces.filter((piece) => piece.trim() !== '')).toHaveLength(3)
  })

  it.each(chatLines)('keeps the parts of %j that must not be translated', async (line) => {
    const parts = splitForTranslation(line)
    expect(parts.map(({ text }) => text).join('')).toBe(line)

    const output = (await translate(line)).join('')

    for (const { kind, text } of parts) if (kind === 'protected') expect(output).toContain(text)
    expect(output).not.toMatch(/\[\]|\\[[\]@/]|⟦/)
    expect(await findOutputProblem(parts, output, 'es')).toBeUndefined()
  })

  it('translates 200 texts at once, and returns each text’s own translation', async () => {
    const numbers = Array.from({ length: 200 }, (_, index) => index + 1_000)

    const outputs = await Promise.all(
      numbers.map((number) => translate(`The house ${number} is big.`)),
    )

    expect(outputs.map((pieces) => pieces.join(''))).toEqual(
      numbers.map((number) => `La casa ${number} es grande.`),
    )
  })

  it('translates the next text after a translation was aborted', async () => {
    const aborting = new AbortController()
    const aborted = translate('The house is big.', 'en', 'es', aborting.signal)
    const next = translate('The garden is small.')
    aborting.abort(new Error('not needed'))

    await expect(aborted).rejects.toThrow('not needed')
    expect((await next).join('')).toBe('El jardín es pequeño.')
  })

  it('rejects a language pair that is not installed, and names the command that installs Apertium if its folder is missing', async () => {
    await expect(translate('Hallo', 'de', 'zh')).rejects.toThrow('no language pair de-zh')
    const signal = new AbortController().signal
    await expect(createApertium('/nonexistent').probe(signal)).rejects.toMatchObject({
      name: 'EngineUnavailableError',
      remedy: expect.stringContaining('apt-get install'),
    })
  })
})
