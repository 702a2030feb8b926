import { describe, expect, it } from 'vitest'
import { createLog } from '../../runtime/cli/log.ts'
import { runtime } from '../support/command-line.ts'

describe('LOG_LEVEL', () => {
  it('is info by default', () => {
    const log = createLog({})

    expect(log.isLevelEnabled('info')).toBe(true)
    expect(log.isLevelEnabled('debug')).toBe(false)
  })

  it('sets the lowest level that is written', () => {
    expect(createLog({ LOG_LEVEL: 'debug' }).isLevelEnabled('debug')).toBe(true)
    expect(createLog({ LOG_LEVEL: 'error' }).isLevelEnabled('warn')).toBe(false)
    expect(createLog({ LOG_LEVEL: 'silent' }).isLevelEnabled('fatal')).toBe(false)
  })

  it('makes `runtime start` fail if its value is not a level, with an error that lists the levels', async () => {
    const { code, stderr } = await runtime(['start', 'functions/'], { env: { LOG_LEVEL: 'loud' } })

    expect(code).toBe(1)
    expect(stderr).toContain('LOG_LEVEL is "loud": use one of trace, debug, info')
  })
})
