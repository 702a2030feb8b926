import { generateKeyPairSync } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { scanSecrets } from '../../stack/scan-secrets.ts'
import { createSecrets } from '../../stack/secrets.ts'

describe('the scan for secrets', () => {
  it('finds none in the project', async () => {
    expect(await scanSecrets(join(import.meta.dirname, '..', '..'))).toEqual([])
  })

  it('prints the location of a secret without the secret, and skips files that .gitignore names', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'natter-secrets-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    })
    const { calloutSeed } = createSecrets()
    const files = {
      '.gitignore': 'ignored/\n*.log\n',
      'app.log': privateKey,
      '.ci/key.pem': `\n${privateKey}`,
      'nats.ts': `const seed = '${calloutSeed}'`,
      'ignored/nats.ts': calloutSeed,
    }
    for (const [name, content] of Object.entries(files)) {
      await mkdir(join(folder, dirname(name)), { recursive: true })
      await writeFile(join(folder, name), content)
    }

    const found = (await scanSecrets(folder)).sort()
    expect(found).toEqual([
      expect.stringMatching(/^\.ci\/key\.pem:2: found private key/i),
      'nats.ts:1: found the seed of an nkey',
    ])
    expect(found.join()).not.toContain(privateKey.slice(100, 120))
  })
})
