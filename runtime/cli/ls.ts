import type { Command } from 'commander'
import { openConnection, type ServerOptions } from './connection.ts'
import { discoverOrFail, type Info, unknownName } from './discovery.ts'
import { printInvalid } from './invalid.ts'
import { note, print, printJson } from './output.ts'
import { formatTable } from './table.ts'
import { addWait, type WaitOptions } from './wait.ts'

export function addLs(program: Command): void {
  addWait(program.command('ls'))
    .description('list the running functions and other micro services')
    .argument('[name]', 'only this name; room.join and room-join are the same')
    .addHelpText(
      'after',
      `
Examples:
  runtime ls
  runtime ls room.join
  runtime ls --json | jq '.services[].name'`,
    )
    .action((name: string | undefined, _, command: Command) => ls(name, command.optsWithGlobals()))
}

async function ls(name: string | undefined, options: ServerOptions & WaitOptions) {
  await using nc = await openConnection(options)
  const [pings, infos] = await Promise.all([
    discoverOrFail(nc, 'PING', name, options.wait),
    discoverOrFail(nc, 'INFO', name, options.wait),
  ])
  const answered = new Set([...infos.valid, ...infos.invalid].map(({ id }) => id))
  const silent = pings.valid
    .filter(({ id }) => !answered.has(id))
    .map((ping) => ({ ...ping, problems: ['answers PING and not INFO'], answer: ping }))
  const invalid = [
    ...infos.invalid,
    ...silent,
    ...pings.invalid.filter(({ id }) => !answered.has(id)),
  ]

  if (name !== undefined && infos.valid.length + invalid.length === 0)
    throw await unknownName(nc, name)
  const services = summarize(infos.valid)
  if (options.json) return printJson({ services, invalid })
  if (services.length + invalid.length === 0) return note('no services answer')
  if (services.length > 0) printServices(services)
  printInvalid(invalid)
}

function summarize(infos: readonly Info[]) {
  return [...Map.groupBy(infos, ({ name, version }) => `${name} ${version}`).values()].flatMap(
    (instances) => {
      const [first] = instances
      if (!first) return []
      const endpoints = first.endpoints ?? []
      const { trigger, audience } = { ...first.metadata, ...endpoints[0]?.metadata }
      return {
        name: first.name,
        version: first.version,
        instances: instances.map(({ id }) => id),
        trigger: trigger ?? '',
        audience: audience ?? '',
        subjects: endpoints.map(({ subject, metadata }) => metadata?.template ?? subject),
        description: first.description ?? '',
      }
    },
  )
}

function printServices(services: ReturnType<typeof summarize>) {
  const columns = [
    { title: 'NAME' },
    { title: 'VERSION' },
    { title: 'INSTANCES', right: true },
    { title: 'TRIGGER' },
    { title: 'SUBJECT' },
    { title: 'DESCRIPTION' },
  ]
  const rows = services.map((service) => [
    service.name,
    service.version,
    String(service.instances.length),
    service.trigger || '-',
    service.subjects.join(' ') || '-',
    service.description,
  ])
  print(formatTable(columns, rows))
}
