import { readdirSync, readFileSync } from 'node:fs'

/** In /proc, the kernel counts processor time in hundredths of a second. */
const msPerTick = 10

interface Usage {
  /** Processor time since the processes started, including that of their ended children. */
  cpuMs: number
  /** Proportional set size: memory that processes share is counted once. */
  memoryMb: number
}

/** Returns the usage of the processes and all their descendants. Works only on Linux. */
export function readUsage(roots: readonly number[]): Usage {
  const parents = readdirSync('/proc').flatMap((name) => {
    const stat = /^\d+$/.test(name) ? readProcess(name) : undefined
    return stat ? [stat] : []
  })
  const tree = new Set(roots)
  // Repeats until no process is added, because a child may have a smaller id than its parent.
  for (let size = 0; size < tree.size; ) {
    size = tree.size
    for (const { pid, parent } of parents) if (tree.has(parent)) tree.add(pid)
  }
  const members = parents.filter(({ pid }) => tree.has(pid))
  const ticks = members.reduce((sum, member) => sum + member.ticks, 0)
  const kilobytes = members.reduce((sum, { pid }) => sum + readMemory(pid), 0)
  return { cpuMs: ticks * msPerTick, memoryMb: kilobytes / 1_024 }
}

function readProcess(pid: string) {
  const stat = read(`/proc/${pid}/stat`)
  if (!stat) return undefined
  // The name of the program, in parentheses, may contain spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  return { pid: Number(pid), parent: Number(fields[1]), ticks }
}

function readMemory(pid: number) {
  const rollup = read(`/proc/${pid}/smaps_rollup`) ?? ''
  return Number(/^Pss: +(\d+) kB/m.exec(rollup)?.[1] ?? 0)
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // The process has ended.
    return undefined
  }
}
