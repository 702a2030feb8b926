import { resolve } from 'node:path'
import type { Command } from 'commander'
import { type CheckedFunction, checkFolders } from './check-folders.ts'
import { note, print, printJson } from './output.ts'
import { describeProblem, withRelativePath } from './problems.ts'
import { formatTable } from './table.ts'

export function addCheck(program: Command): void {
  program
    .command('check')
    .description('load the functions of folders as start does, without serving them')
    .argument('<folders...>', 'the folders of the functions')
    .addHelpText(
      'after',
      `
Loads the files in a process of its own, which is killed if the import of one file takes longer than
NATTER_IMPORT_MS milliseconds (default: 30000). Exits with 1 if a file cannot be served.

Examples:
  runtime check functions/ && runtime start functions/`,
    )
    .action((folders: string[], _, command: Command) => check(folders, command.optsWithGlobals()))
}

async function check(folders: readonly string[], { json }: { json?: boolean }) {
  const { functions, problems } = await checkFolders(folders.map((folder) => resolve(folder)))
  const shown = problems.map(withRelativePath)
  if (shown.length > 0) process.exitCode = 1
  if (json) printJson({ functions, problems: shown })
  for (const problem of shown) note(describeProblem(problem))
  if (json || shown.length > 0) return
  if (functions.length === 0) return note(`no functions in ${folders.join(', ')}`)
  printFunctions(functions)
}

function printFunctions(functions: readonly CheckedFunction[]) {
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
