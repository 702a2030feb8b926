// What `npm start`, `npm test` and the scripts of `npm run` below run: plain JavaScript for whatever
// Node is there (20 or later). It installs the dependencies if they are not, finds the Node 24 that
// comes with them, and runs the script under it.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const bin = join(root, 'node_modules', '.bin')
const scripts = {
  start: 'stack/start.ts',
  test: 'stack/test.ts',
  check: 'stack/check.ts',
  bench: 'bench/main.ts',
  'bench:client': 'bench/client/main.ts',
  chaos: 'tests/chaos/main.ts',
  screenshots: 'tests/client/screenshots/main.ts',
}

const [verb, ...args] = process.argv.slice(2)
const script = Object.hasOwn(scripts, verb ?? '') ? scripts[verb] : undefined
if (!script) {
  console.error(`Usage: node stack/launch.mjs ${Object.keys(scripts).join('|')} [arguments]`)
  process.exit(2)
}

if (!isInstalled()) await install()
run(findNode(), [join(root, script), ...args])

/** Whether node_modules holds the very packages that package-lock.json names. */
function isInstalled() {
  const installed = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(installed)) return false
  const wanted = Object.entries(readPackages(join(root, 'package-lock.json')))
  const have = readPackages(installed)
  // What is optional may be for another platform.
  return wanted.every(
    ([path, { version, optional }]) =>
      path === '' || (path in have ? have[path].version === version : optional),
  )
}

function readPackages(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages
}

async function install() {
  const started = Date.now()
  const seconds = () => `${Math.round((Date.now() - started) / 1000)} s`
  console.log('Installing dependencies …')
  const ticking = setInterval(() => console.log(`  still installing, ${seconds()}`), 5000)

  // Not `npm ci`: that fails where the registry lacks a package for some other platform, and begins by
  // deleting what may be running. Like it, this takes what package-lock.json names and leaves that be.
  const flags = ['--no-save', '--include=dev', '--include=optional', '--no-audit', '--no-fund']
  const npm = process.env.npm_execpath
  const [command, before] = npm?.endsWith('js') ? [process.execPath, [npm]] : ['npm', []]
  const child = spawn(command, [...before, 'install', ...flags, '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: command === 'npm' && isWindows(),
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text))
  const problem = await new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message))
    child.on('close', (code) => resolve(code === 0 ? undefined : `npm install ended with ${code}`))
  })
  clearInterval(ticking)
  if (problem) fail(`Could not install the dependencies: ${problem}\n${said}`)
  console.log(`Installed dependencies in ${seconds()}`)
}

/** The Node that came as a dependency, else the one that runs this, if it is new enough. */
function findNode() {
  for (const node of [join(bin, isWindows() ? 'node.exe' : 'node'), process.execPath]) {
    if (!existsSync(node)) continue
    const { stdout } = spawnSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' })
    if (Number.parseInt(stdout, 10) >= 24) return node
  }
  return fail(
    `Node 24 is missing. It comes as an optional dependency on Linux (x64, arm64), macOS (arm64) and
Windows (x64), but node_modules/.bin holds none that runs on ${process.platform}-${process.arch}, and this is
Node ${process.versions.node}. Install the optional dependencies (npm install --include=optional) or use Node 24 or later.`,
  )
}

function run(node, command) {
  const child = spawn(node, command, {
    cwd: root,
    env: {
      // A fifth less to compute until everything is ready.
      NODE_COMPILE_CACHE: join(process.env.NATTER_CACHE || join(root, '.cache'), 'node'),
      ...process.env,
      PATH: bin + delimiter + process.env.PATH,
    },
    // The channel says nothing; it closes when this process ends, so the child never stays behind.
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  })
  // npm has a shell in between, which passes nothing on when it is told to end.
  const parent = process.ppid
  const look = () => process.ppid !== parent && child.kill('SIGTERM')
  if (process.env.npm_lifecycle_event) setInterval(look, 500).unref()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => fail(`Could not run ${node}: ${error.message}`))
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
}

function isWindows() {
  return process.platform === 'win32'
}

function fail(message) {
  console.error(message)
  process.exit(1)
}
