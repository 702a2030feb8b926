import { resolve } from 'node:path'
import type { Command } from 'commander'
import { type LoadedFunction, loadFunctions } from '../server/load.ts'
import { note, print, printJson } from './output.ts'
import { describeProblem, problemsOf } from './problems.ts'
import { formatTable } from './table.ts'

export function addCheck(program: Command): void {
  program
    .command('check')
    .description('load the functions of a folder as start does, without serving them')
    .argument('<folder>', 'the folder of the functions')
    .addHelpText(
      'after',
      `
Examples:
  runtime check functions/ && runtime start functions/`,
    )
    .action((folder: string, _, command: Command) => check(folder, command.optsWithGlobals()))
}

async function check(folder: string, { json }: { json?: boolean }) {
  const path = resolve(folder)
  try {
    const functions = (await loadFunctions(path)).map(describe)
    if (json) return printJson({ functions, problems: [] })
    if (functions.length === 0) return note(`no functions in ${folder}`)
    printFunctions(functions)
  } catch (error) {
    const problems = problemsOf(error, path)
    if (!problems) throw error
    if (json) printJson({ functions: [], problems })
    for (const problem of problems) note(describeProblem(problem))
    process.exitCode = 1
  }
}

function describe({ name, trigger, subject, audience, version }: LoadedFunction) {
  return { name, trigger, subject: subject ?? '', audience: audience ?? [], version }
}

function printFunctions(functions: ReturnType<typeof describe>[]) {
  const columns = ['NAME', 'TRIGGER', 'SUBJECT', 'AUDIENCE', 'VERSION'].map((title) => ({ title }))
  const rows = functions.map(({ name, trigger, subject, audience, version }) => [
    name,
    trigger,
    subject || '-',
    audience.join(' ') || '-',
    version,
  ])
  print(formatTable(columns, rows))
}
