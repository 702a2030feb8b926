import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { CliError } from './failure.ts'
import { print, printJson } from './output.ts'

export function addNew(program: Command): void {
  program
    .command('new')
    .description('create a folder from a template folder')
    .argument('<template>', 'the folder to copy')
    .argument('<name>', 'the name of the new folder, beside the template', readName)
    .addHelpText(
      'after',
      `
In the names and contents of the files, __name__ becomes the name, and __Name__ the name with a capital
letter.

Examples:
  runtime new apps/_template dice
  runtime check functions/ apps/`,
    )
    .action(async (template: string, name: string, _, command: Command) => {
      const files = await createFromTemplate(resolve(template), name)
      const shown = files.map((file) => relative('', file))
      if (command.optsWithGlobals<{ json?: boolean }>().json) return printJson({ files: shown })
      print(shown.join('\n'))
    })
}

export async function createFromTemplate(template: string, name: string): Promise<string[]> {
  const folder = join(dirname(template), name)
  if (existsSync(folder)) throw new CliError(`${relative('', folder)} exists already`)
  const insertName = (text: string) =>
    text.replaceAll('__name__', name).replaceAll('__Name__', capitalize(name))
  const created: string[] = []
  for (const path of await listFiles(template)) {
    const file = join(folder, insertName(path))
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, insertName(await readFile(join(template, path), 'utf8')))
    created.push(file)
  }
  return created
}

async function listFiles(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true })
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
      .sort()
  } catch (error) {
    throw new CliError(`cannot read the template ${relative('', folder)}`, { cause: error })
  }
}

function readName(text: string): string {
  if (/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(text)) return text
  throw new InvalidArgumentError('Use lower-case letters, digits and dashes, such as dice.')
}

function capitalize(name: string) {
  return name.charAt(0).toUpperCase() + name.slice(1)
}
