import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { findNatsServer } from '../../stack/install/nats-server.ts'
import { LockedError, takeLock } from '../../stack/lock.ts'
import { choosePorts, defaultPorts, freePort, listenOn, type PortName } from '../../stack/ports.ts'
import { identify } from '../../stack/process-id.ts'
import { createSecrets, readSecrets } from '../../stack/secrets.ts'
import { startNats } from '../../stack/services/nats.ts'
import { startWeb } from '../../stack/services/web.ts'
import { State } from '../../stack/state.ts'
import { supervise } from '../../stack/supervise.ts'

const cleanups: (() => unknown)[] = []
afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup()
})

describe('findNatsServer', () => {
  it('rejects a NATS_SERVER that does not exist, with an error that contains its path', async () => {
    const env = { NATS_SERVER: '/nowhere/nats-server' }

    await expect(findNatsServer({ env })).rejects.toThrow(
      /^NATS_SERVER names \/nowhere\/nats-server/,
    )
  })

  async function givenVersion(version: string) {
    const file = join(await givenFolder(), 'nats-server')
    await writeFile(file, `#!/bin/sh\necho "nats-server: v${version}"\n`)
    await chmod(file, 0o755)
    return file
  }

  it.each(['2.9.10', '2.13.4'])('rejects a NATS_SERVER of version %s', async (version) => {
    const NATS_SERVER = await givenVersion(version)

    await expect(findNatsServer({ env: { NATS_SERVER } })).rejects.toThrow(
      `NATS_SERVER names ${NATS_SERVER}, but it is ${version}, and 2.14 or later is needed`,
    )
  })

  it.each(['2.14.0', '2.100.0-RC.1'])('accepts a NATS_SERVER of version %s', async (version) => {
    const NATS_SERVER = await givenVersion(version)

    await expect(findNatsServer({ env: { NATS_SERVER } })).resolves.toBe(NATS_SERVER)
  })

  it('throws an error that lists each failed attempt if it can neither find nor install a nats-server', async () => {
    const dir = await givenFolder()

    const error = await findNatsServer({ env: { PATH: dir, NATTER_CACHE: dir } }).catch(String)

    expect(error).toMatch(/PATH: .*\n.*pip wheel: .*\n.*go install: /)
    expect(error).toContain('Set NATS_SERVER')
  })
})

describe('choosePorts', () => {
  it('replaces a port in use by the next free port, and logs the replacement', async () => {
    const taken = await givenListener()
    const said: string[] = []

    const ports = await choosePorts({
      names: ['WEB_PORT'],
      env: { WEB_PORT: String(taken) },
      log: (message) => said.push(message),
    })

    expect(ports.WEB_PORT).toBeGreaterThan(taken)
    expect(said).toEqual([`Port ${taken} is taken: WEB_PORT is ${ports.WEB_PORT}`])
  })

  it('prefers the ports of the previous start', async () => {
    const before = { WEB_PORT: await freePort() }

    expect(await choosePorts({ names: ['WEB_PORT'], env: {}, before })).toEqual(before)
  })

  it.each(['http', '-1', '65536', '80.5'])(
    'rejects PG_PORT=%s with an error that names the variable',
    async (PG_PORT) => {
      await expect(choosePorts({ env: { PG_PORT } })).rejects.toThrow(
        `PG_PORT must be a port from 0 (any) to 65535, but is "${PG_PORT}"`,
      )
    },
  )
})

describe('listenOn', () => {
  it('replaces a port that another program has taken since it was chosen', async () => {
    const taken = await givenListener()
    const ports = { WEB_PORT: taken, PG_PORT: taken + 1 }

    await using web = await listenOn(['WEB_PORT'], { ports, env: {}, log: () => {} }, () =>
      startWeb({ port: ports.WEB_PORT, config: () => undefined }),
    )

    expect(ports.WEB_PORT).toBeGreaterThan(taken + 1)
    expect(web.url).toBe(`http://localhost:${ports.WEB_PORT}`)
    expect(ports.PG_PORT).toBe(taken + 1)
  })

  it('throws an error at once if the start fails for another reason than a port in use', async () => {
    const options = { ports: {}, env: {}, log: () => {} }

    const listening = listenOn(['PG_PORT'], options, () => Promise.reject(new Error('no space')))

    await expect(listening).rejects.toThrow('no space')
  })
})

describe('the state of a stack', () => {
  it('has secrets that are generated once, in a file that only its owner can read', async () => {
    const file = join(await givenFolder(), 'secrets.json')

    const made = readSecrets(file)

    expect(readSecrets(file)).toEqual(made)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(made.functionsPassword).toMatch(/^[a-z]\w{40,}$/)
  })

  it('keeps the secrets that an earlier version wrote, and adds the missing password of the database', async () => {
    const file = join(await givenFolder(), 'secrets.json')
    const { databasePassword, ...earlier } = createSecrets()
    await writeFile(file, JSON.stringify(earlier))

    const secrets = readSecrets(file)

    expect(secrets).toEqual({ ...earlier, databasePassword: expect.stringMatching(/^p\w{40,}$/) })
    expect(readSecrets(file)).toEqual(secrets)
  })

  it('is not readable by other users, even in a folder that was readable before', async () => {
    const dir = await givenFolder()
    await mkdir(join(dir, 'issuer'))
    await writeFile(join(dir, 'ports.json'), '{}')
    for (const path of ['', 'issuer', 'ports.json']) await chmod(join(dir, path), 0o755)

    new State(dir)

    expect(await readModes(dir)).toEqual({ '.': '700', issuer: '700', 'ports.json': '600' })
  })

  it('does not change the mode of a folder that also has other files', async () => {
    const dir = await givenFolder()
    await mkdir(join(dir, 'logs'))
    await writeFile(join(dir, 'notes.txt'), '')
    for (const path of ['', 'logs', 'notes.txt']) await chmod(join(dir, path), 0o755)

    new State(dir)

    expect(await readModes(dir)).toEqual({ '.': '755', logs: '700', 'notes.txt': '755' })
  })

  it('is rejected if its secrets file is damaged', async () => {
    const file = join(await givenFolder(), 'secrets.json')
    await writeFile(file, '{}')

    expect(() => readSecrets(file)).toThrow(`${file} is damaged`)
  })

  it('is locked by one process at a time, and the lock of a dead process is replaced', async () => {
    const file = join(await givenFolder(), 'lock')
    await writeFile(file, JSON.stringify({ pid: process.pid, since: 'long before' }))

    const lock = await takeLock(file)
    await expect(takeLock(file)).rejects.toThrow(LockedError)
    await lock.release()

    await (await takeLock(file)).release()
  })
})

describe('the web server', () => {
  it('responds to /config.json with 503 until the configuration is known, then with the configuration', async () => {
    let config: { natsWebSocket: string; issuer: string; clientId: string } | undefined
    await using web = await startWeb({ config: () => config })
    const path = `${web.url}/config.json`

    expect((await fetch(path)).status).toBe(503)
    config = { natsWebSocket: 'ws://a:1', issuer: 'http://b:2/realms/c', clientId: 'd' }

    expect(await (await fetch(path)).json()).toEqual(config)
    const policy = (await fetch(web.url)).headers.get('content-security-policy')
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("connect-src 'self' ws://a:1 http://b:2;")
  })

  it.each(['/..%2fpackage.json', '/%2e%2e%2fpackage.json', '/.git', '/%00', '/nothing.html'])(
    'does not serve %s',
    async (path) => {
      await using web = await startWeb({ config: () => undefined })

      expect((await fetch(web.url + path)).status).toBe(404)
    },
  )
})

describe('the nats-server service', () => {
  it('keeps its ports and data after SIGKILL', async () => {
    const binary = await findNatsServer()
    await using nats = await startNats({
      binary,
      dir: await givenFolder(),
      secrets: createSecrets(),
    })
    const { pid, url, webSocketUrl, monitorUrl } = nats

    await nats.kill('SIGKILL')
    await nats.restart()

    expect(nats).toMatchObject({ url, webSocketUrl, monitorUrl })
    expect(nats.pid).not.toBe(pid)
    expect((await fetch(`${monitorUrl}/healthz`)).status).toBe(200)
  })

  it('throws an error with the output of a server that does not start', async () => {
    const secrets = { ...createSecrets(), calloutIssuer: 'nobody' }
    const starting = startNats({
      binary: await findNatsServer(),
      dir: await givenFolder(),
      secrets,
    })

    await expect(starting).rejects.toThrow(/nats-server ended before .*\n.*public account nkey/)
  })
})

describe('supervise', { timeout: 30_000 }, () => {
  it('gives up on a service that keeps exiting, and reports the end of its log', async () => {
    const binary = await findNatsServer()
    const nats = await startNats({ binary, dir: await givenFolder(), secrets: createSecrets() })
    await using _nats = nats
    const said: string[] = []
    const gaveUp = Promise.withResolvers<string>()

    const supervised = supervise(nats, {
      log: (message) => said.push(message),
      onRestart: () => {},
      onGiveUp: gaveUp.resolve,
      signal: new AbortController().signal,
    })
    await nats.kill('SIGKILL')
    await givenListener(nats.ports.nats)

    expect(await gaveUp.promise).toMatch(/^nats-server exited 5 times.*address already in use/s)
    expect(said[0]).toBe('nats-server exited (SIGKILL): restarting in 250 ms')
    await supervised
  })
})

describe('npm start', { timeout: 240_000 }, () => {
  it.each([
    ['WEB_PORT', { WEB_PORT: 'x' }, 'WEB_PORT must be a port'],
    ['NATTER_RUNTIMES', { NATTER_RUNTIMES: '4' }, 'NATTER_RUNTIMES must be 1 or 2, but is "4"'],
    ['NATS_SERVER', { NATS_SERVER: '/nowhere' }, 'NATS_SERVER names /nowhere'],
    ['NATS_WS_URL', { NATS_URL: 'nats://a:1' }, 'set NATS_WS_URL as well'],
    ['NATS_URL', { NATS_URL: 'nats://a:b,c@d:1' }, 'NATS_URL, URL 1 of 2, is not a NATS URL'],
    ['DATABASE_URL_FILE', { DATABASE_URL_FILE: '/no' }, 'DATABASE_URL_FILE is "/no", which cannot'],
  ])('exits with an error that names %s if it is invalid or missing', async (_, env, complaint) => {
    const main = startMain(await givenFolder(), env)

    expect(await main.exit).toBe(1)
    expect(main.said()).toContain(complaint)
  })

  it('runs twice on different ports when two copies start at once', async () => {
    const ports = Object.fromEntries(
      await Promise.all(portNames.map(async (name) => [name, String(await freePort())])),
    )
    const dirs = [await givenFolder(), await givenFolder()]

    const idKey = join(await givenFolder(), 'id-key')
    await writeFile(idKey, 'a key of 32 characters for tests')
    const settings = { ...ports, NATTER_ID_KEY_FILE: idKey }
    const copies = dirs.map((dir) => startMain(dir, settings))
    await Promise.all(copies.map((copy) => copy.says(/Natter is ready/)))

    const [first, second] = await Promise.all(dirs.map(readPorts))
    const shared = Object.values(first ?? {}).filter((port) =>
      Object.values(second ?? {}).includes(port),
    )
    expect(shared).toEqual([])
    for (const dir of dirs) {
      const { web, issuer } = await readUrls(dir)
      expect((await fetch(`${web}/healthz`)).status).toBe(200)
      expect(await (await fetch(`${web}/config.json`)).json()).toMatchObject({ issuer })
    }
  })

  it('runs only once if two copies start at once with one state folder, and the copy that exits names the running process', async () => {
    const dir = await givenFolder()

    const copies = [startMain(dir), startMain(dir)]
    const ended = await Promise.race(copies.map(({ exit }, index) => exit.then(() => index)))
    const [loser, winner] = ended === 0 ? copies : copies.toReversed()

    expect(await loser?.exit).toBe(1)
    expect(loser?.said()).toContain(`(process ${winner?.child.pid}`)
    await winner?.says(/Natter is ready/)
  })

  it('serves HEALTH_PORT from one of its runtimes, restarts a killed service, rejects a second start, starts again after SIGKILL, and stops all services', async () => {
    const [dir, healthPort] = [await givenFolder(), await freePort()]
    const first = startMain(dir, { HEALTH_PORT: String(healthPort) })
    await first.says(/Natter is ready after .*: {2}http:\/\/localhost:\d+/)
    expect(first.said()).toContain('alice / alice123')
    const urls = await readUrls(dir)
    const secrets = Object.values(readSecrets(join(dir, 'secrets.json')))
    expect(secrets.filter((secret) => first.said().includes(secret))).toEqual([])
    expect(urls).not.toHaveProperty('natsMonitor')
    const modes = Object.values(await readModes(dir))
    expect(new Set(modes)).toEqual(new Set(['600', '700']))
    expect((await fetch(`${urls.web}/healthz`)).status).toBe(200)
    expect(
      await (await fetch(`${urls.issuer}/.well-known/openid-configuration`)).json(),
    ).toMatchObject({ issuer: urls.issuer })

    const secondLog = () => readFile(join(dir, 'logs', 'runtime-2.log'), 'utf8')
    await vi.waitFor(async () => expect(await secondLog()).toContain('"msg":"ready"'), 60_000)
    expect((await fetch(`http://127.0.0.1:${healthPort}/readyz`)).status).toBe(200)

    process.kill(urls.pids['nats-server'] ?? 0, 'SIGKILL')
    await first.says(/nats-server restarted/)
    const pids = Object.values((await readUrls(dir)).pids)

    const second = startMain(dir)
    expect(await second.exit).toBe(1)
    expect(second.said()).toContain('Natter runs already on')
    expect(pids.filter(isAlive)).toEqual(pids)

    first.child.kill('SIGKILL')
    const third = startMain(dir)
    await third.says(/Natter is ready/)
    expect(pids.filter(isAlive)).toEqual([])
    expect(await readUrls(dir)).toMatchObject({ web: urls.web, nats: urls.nats })

    const last = Object.values((await readUrls(dir)).pids)
    third.child.kill('SIGTERM')
    expect(await third.exit).toBe(0)
    expect(last.filter(isAlive)).toEqual([])
    await expect(readUrls(dir)).rejects.toThrow('ENOENT')
  })
})

async function givenFolder() {
  const dir = await mkdtemp(join(tmpdir(), 'natter-stack-'))
  cleanups.push(() => rm(dir, { recursive: true, force: true }))
  return dir
}

async function givenListener(port = 0) {
  const server = createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  cleanups.push(() => server.close())
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}

/**
 * The ports that `npm start` uses: all except the monitoring port of nats-server, which `npm start`
 * does not open.
 */
const portNames = (Object.keys(defaultPorts) as PortName[]).filter(
  (name) => name !== 'NATS_MONITOR_PORT',
)

async function readModes(dir: string): Promise<Record<string, string>> {
  const names = ['.', ...(await readdir(dir))]
  const modes = names.map(async (name) => {
    const { mode } = await stat(join(dir, name))
    return [name, (mode & 0o777).toString(8)] as const
  })
  return Object.fromEntries(await Promise.all(modes))
}

async function readPorts(dir: string): Promise<Record<string, number>> {
  return JSON.parse(await readFile(join(dir, 'ports.json'), 'utf8'))
}

function startMain(dir: string, more: Record<string, string> = {}) {
  const { NATS_URL, DATABASE_URL, OIDC_ISSUER, ...env } = process.env
  const anyPorts = Object.fromEntries(portNames.map((name) => [name, '0']))
  const child: ChildProcess = spawn(process.execPath, [join('stack', 'start.ts')], {
    env: { ...env, ...anyPorts, ...more, NATTER_STATE: dir },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  const heard = new EventTarget()
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (text) => {
      said += text
      heard.dispatchEvent(new Event('more'))
    })
  }
  const exit = once(child, 'close').then(([code]) => code)
  // The process gets SIGTERM: a SIGKILL would leave the nats-server of the stack running.
  cleanups.push(() => child.kill('SIGTERM') && exit)
  return {
    child,
    exit,
    said: () => said,
    says(pattern: RegExp) {
      return new Promise<void>((resolve, reject) => {
        const look = () => pattern.test(said) && resolve()
        heard.addEventListener('more', look)
        exit.then((code) => reject(new Error(`It ended with ${code}:\n${said}`)))
        look()
      })
    },
  }
}

async function readUrls(dir: string) {
  const urls = JSON.parse(await readFile(join(dir, 'stack.json'), 'utf8'))
  return urls as Record<'web' | 'nats' | 'issuer', string> & { pids: Record<string, number> }
}

/** Returns whether a process runs. A zombie process does not count. */
function isAlive(pid: number) {
  return identify(pid).since !== ''
}
