// The entry point of `npm start`, `npm test` and other npm scripts. Installs the dependencies if they
// are missing or outdated. Then runs the TypeScript file of the script with Node 24, which is one of the
// dependencies. This file is plain JavaScript, because Node 20 must be able to run it.
import { spawn, spawnSync } from 'node:child_process'
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { constants } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const bin = join(root, 'node_modules', '.bin')
const scripts = {
  start: 'stack/start.ts',
  dev: 'stack/dev.ts',
  build: 'stack/build.ts',
  secrets: 'stack/generate-secrets.ts',
  certificates: 'stack/generate-certificates.ts',
  observability: 'stack/observability/main.ts',
  'db:generate': 'stack/db-generate.ts',
  test: 'stack/test.ts',
  check: 'stack/check.ts',
  bench: 'bench/main.ts',
  'bench:client': 'bench/client/main.ts',
  chaos: 'tests/chaos/main.ts',
  screenshots: 'tests/client/screenshots/main.ts',
}
/**
 * Usage texts of the scripts that do not read options themselves. The other scripts print their own
 * usage text.
 */
const usages = {
  start: `Usage: npm start

Starts nats-server, a database, an OpenID provider with demo users, the runtime and the page on this machine, and
stops them on Ctrl+C. README.md lists the environment variables.`,
  dev: `Usage: npm run dev

Starts the same as npm start. The page is updated, and the runtime restarts, when a file is saved.`,
  build: `Usage: npm run build

Writes the page, configurations of web servers and the list of packages into dist/ (docs/deployment.md).`,
  'db:generate': `Usage: npm run db:generate -- [--app APP] --name NAME [options of drizzle-kit generate]

Compares the tables in schema/tables/ with the last migration, and writes the difference as a new migration. With
--app, does the same for the tables of an app.

Examples:
  npm run db:generate -- --name room-topics
  npm run db:generate -- --app poll --name closing-time`,
  test: `Usage: npm test -- [FILES] [options of vitest run]

Runs the checks and all tests; with arguments, the test files whose path contains one of FILES, without the checks.

Examples:
  npm test -- room.join
  npm test -- room.join --project postgres`,
  check: `Usage: npm run check

Checks formatting, lint rules and types, and that no file contains a secret.`,
  screenshots: `Usage: npm run screenshots -- [NAMES]

Takes the pictures in docs/screenshots/, by default all of them. The name icons stands for the icons of the app.`,
}

const [verb, ...args] = process.argv.slice(2)
const script = Object.hasOwn(scripts, verb ?? '') ? scripts[verb] : undefined
if (!script) {
  console.error(`Usage: node stack/launch.mjs ${Object.keys(scripts).join('|')} [arguments]`)
  process.exit(2)
}
if (verb in usages && args.some((argument) => argument === '--help' || argument === '-h')) {
  console.log(usages[verb])
  process.exit(0)
}

if (!isInstalled()) await withInstallLock(async () => isInstalled() || (await install()))
run(findNode(), [join(root, script), ...args])

function isInstalled() {
  const installed = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(installed)) return false
  const locked = Object.entries(readPackages(join(root, 'package-lock.json')))
  const present = readPackages(installed)
  // An optional package may be missing, because it may be for another platform.
  return locked.every(
    ([path, { version, optional }]) =>
      path === '' || (path in present ? present[path].version === version : optional),
  )
}

function readPackages(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages
}

async function withInstallLock(work) {
  const file = join(root, '.cache', 'install.lock')
  mkdirSync(dirname(file), { recursive: true })
  let waitsFor
  while (!tryLock(file)) {
    const holder = readHolder(file)
    if (holder && !isRunning(holder)) rmSync(file, { force: true })
    else if (holder !== waitsFor) console.log(`Waiting for the installation by process ${holder} …`)
    waitsFor = holder
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  try {
    await work()
  } finally {
    rmSync(file, { force: true })
  }
}

/** Creates the lock file together with its content, in one atomic step. */
function tryLock(file) {
  const mine = `${file}.${process.pid}`
  writeFileSync(mine, String(process.pid))
  try {
    linkSync(mine, file)
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    return false
  } finally {
    rmSync(mine)
  }
}

function readHolder(file) {
  try {
    return Number(readFileSync(file, 'utf8'))
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
    return undefined
  }
}

function isRunning(pid) {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error.code === 'EPERM'
  }
}

async function install() {
  const modules = join(root, 'node_modules')
  // If node_modules is a link to the folder of another clone, `npm ci` would empty that folder.
  if (lstatSync(modules, { throwIfNoEntry: false })?.isSymbolicLink()) unlinkSync(modules)

  const startedAt = Date.now()
  const elapsed = () => `${Math.round((Date.now() - startedAt) / 1000)} s`
  console.log('Installing dependencies …')
  const progress = setInterval(() => console.log(`  still installing, ${elapsed()}`), 5000)

  const flags = ['--include=dev', '--include=optional', '--no-audit', '--no-fund']
  const npm = process.env.npm_execpath
  const [command, before] = npm?.endsWith('js') ? [process.execPath, [npm]] : ['npm', []]
  const child = spawn(command, [...before, 'ci', ...flags, '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: command === 'npm' && isWindows(),
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text))
  const problem = await new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message))
    child.on('close', (code) => resolve(code === 0 ? undefined : `npm ci exited with ${code}`))
  })
  clearInterval(progress)
  if (problem) fail(`Could not install the dependencies: ${problem}\n${output}`)
  console.log(`Installed dependencies in ${elapsed()}`)
}

function findNode() {
  for (const node of [join(bin, isWindows() ? 'node.exe' : 'node'), process.execPath]) {
    if (!existsSync(node)) continue
    const { stdout } = spawnSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' })
    if (Number.parseInt(stdout, 10) >= 24) return node
  }
  return fail(
    `Node 24 is missing. It is an optional dependency on Linux (x64, arm64), macOS (arm64) and Windows (x64),
but node_modules/.bin has none that runs on ${process.platform}-${process.arch}, and this is Node ${process.versions.node}.
Install the optional dependencies (npm ci --include=optional) or use Node 24 or later.`,
  )
}

function run(node, command) {
  const child = spawn(node, command, {
    cwd: root,
    env: {
      // The cache for compiled code saves a fifth of the processor time of a start.
      NODE_COMPILE_CACHE: join(process.env.NATTER_CACHE || join(root, '.cache'), 'node'),
      ...process.env,
      PATH: bin + delimiter + process.env.PATH,
    },
    // This IPC channel closes when this process ends, even if it is killed. The child then stops.
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  })
  // npm runs this script through a shell, which does not forward signals. When a signal has ended
  // the shell, this process gets another parent, and then stops the child.
  const parent = process.ppid
  const stopWithParent = () => process.ppid !== parent && child.kill('SIGTERM')
  if (process.env.npm_lifecycle_event) setInterval(stopWithParent, 500).unref()
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
