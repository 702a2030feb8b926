import type { Command } from 'commander'
import { openConnection, type ServerOptions } from './connection.ts'
import { discoverOrFail, type Info, unknownName } from './discovery.ts'
import { printInvalid } from './invalid.ts'
import { print, printJson } from './output.ts'
import { addWait, type WaitOptions } from './wait.ts'

export function addInfo(program: Command): void {
  addWait(program.command('info'))
    .description('show the metadata of each instance of a function, or of any micro service')
    .argument('<name>', 'its name; room.join and room-join are the same')
    .addHelpText(
      'after',
      `
Examples:
  runtime info room.join
  runtime info room.join --json | jq '.instances[].metadata'`,
    )
    .action((name: string, _, command: Command) => info(name, command.optsWithGlobals()))
}

async function info(name: string, options: ServerOptions & WaitOptions) {
  await using nc = await openConnection(options)
  const { valid, invalid } = await discoverOrFail(nc, 'INFO', name, options.wait)
  if (valid.length + invalid.length === 0) throw await unknownName(nc, name)
  if (options.json) return printJson({ instances: valid, invalid })
  print(valid.map(describe).join('\n\n'))
  printInvalid(invalid)
}

function describe(service: Info): string {
  return [
    `${service.name} ${service.version}`,
    ...fields('  ', { ...service.metadata, description: service.description, id: service.id }),
    ...(service.endpoints ?? []).flatMap((endpoint) => [
      `  endpoint ${endpoint.name}`,
      ...fields('    ', {
        ...ownMetadata(endpoint.metadata, service.metadata),
        subject: endpoint.subject,
        'queue group': endpoint.queue_group,
      }),
    ]),
  ].join('\n')
}

function ownMetadata(metadata: Info['metadata'], inherited: Info['metadata']) {
  const entries = Object.entries(metadata ?? {})
  return Object.fromEntries(entries.filter(([key, value]) => inherited?.[key] !== value))
}

function fields(indent: string, values: Record<string, string | null | undefined>) {
  const present = Object.entries(values).filter(([, value]) => value)
  const width = Math.max(...present.map(([key]) => key.length))
  return present.map(([key, value]) => `${indent}${key.padEnd(width)}  ${value}`)
}
