import { text } from 'node:stream/consumers'
import { headers, type NatsConnection } from '@nats-io/nats-core'
import type { Command } from 'commander'
import { timeoutHeader } from '../api/contract.ts'
import { FunctionError } from '../api/errors.ts'
import { callerParam, parseSubject, toServiceName } from '../api/subject.ts'
import { createRequester } from '../client/index.ts'
import { openConnection, type ServerOptions } from './connection.ts'
import { discoverOrFail, unknownName } from './discovery.ts'
import { CliError, UsageError } from './failure.ts'
import { readJson } from './json.ts'
import { note } from './output.ts'
import { printReply, Refusal } from './reply.ts'
import { readMs } from './wait.ts'

interface CallOptions extends ServerOptions {
  as?: string
  timeout: number
}

/** Where a call goes. `template` is what functions say of themselves; other services have none. */
interface CallTarget {
  name: string
  subject: string
  template: string | undefined
  trigger: string | undefined
}

export function addCall(program: Command): void {
  program
    .command('call')
    .description('ask a function, or any endpoint of a micro service, and print its answer')
    .argument('<name>', 'a function, a service, or service/endpoint where it has several')
    .argument('[json]', 'what to ask, "-" to read it from stdin; other services get it as it is')
    .option('--as <user>', 'who asks, for functions that people ask')
    .option('--timeout <ms>', 'how long to wait for the answer', readMs, 5_000)
    .addHelpText(
      'after',
      `
Fields that the function's subject carries are taken out of the JSON; the rest is the payload.

Examples:
  runtime call room.join '{"room":"general"}' --as alice
  echo '{"room":"general","text":"hello"}' | runtime call send - --as alice
  runtime call room.members '{"room":"general"}' --json | jq .members`,
    )
    .action((name: string, json: string | undefined, _, command: Command) =>
      call(name, json, command.optsWithGlobals()),
    )
}

async function call(name: string, json: string | undefined, options: CallOptions) {
  const typed = json === '-' ? await text(process.stdin) : json
  await using nc = await openConnection(options)
  const target = await findTarget(nc, name)
  const { subject, payload } = writeRequest(target, typed, options.as)
  if (options.verbose) note(`asking ${subject} with ${payload || 'nothing'}`)

  const requester = createRequester(nc)
  const hdrs = target.template === undefined ? undefined : headers()
  hdrs?.set(timeoutHeader, String(options.timeout))
  try {
    const reply = await requester.request(subject, payload, {
      headers: hdrs,
      timeoutMs: options.timeout,
    })
    printReply(reply, options.json)
  } catch (error) {
    throw error instanceof FunctionError ? new Refusal(error, options.json) : error
  } finally {
    requester.close()
  }
}

async function findTarget(nc: NatsConnection, name: string): Promise<CallTarget> {
  const [service = '', wanted] = name.split('/')
  const { valid, invalid } = await discoverOrFail(nc, 'INFO', service)
  const [info] = valid
  if (!info) {
    const [broken] = invalid
    if (!broken) throw await unknownName(nc, service)
    throw new CliError(
      `${service} answers, but not as a service does: ${broken.problems.join('; ')}`,
    )
  }
  const endpoints = info.endpoints ?? []
  const usual = wanted ?? (endpoints.length === 1 ? endpoints[0]?.name : info.name)
  const endpoint = endpoints.find(
    (one) => one.name === usual || one.name === toServiceName(usual ?? ''),
  )
  if (endpoint)
    return {
      name,
      subject: endpoint.subject,
      template: endpoint.metadata?.template,
      trigger: endpoint.metadata?.trigger,
    }
  const choices = endpoints.map((one) => `${service}/${one.name}`).join(', ')
  throw new UsageError(
    wanted === undefined
      ? `${service} has several endpoints: ask one of ${choices}`
      : `${service} has no endpoint ${wanted}: it has ${choices || 'none'}`,
  )
}

function writeRequest({ name, subject, template, trigger }: CallTarget, json = '', as?: string) {
  if (trigger === 'event') throw new UsageError(`${name} is not asked: it hears ${subject}`)
  if (template === undefined) {
    if (!/[*>]/.test(subject)) return { subject, payload: json }
    throw new CliError(
      `${name} is asked on ${subject}, and nothing says what its wildcards stand for`,
    )
  }
  const values = readJson(json || '{}')
  const wanted = parseSubject(template)
  if (wanted.params.includes(callerParam) && as === undefined)
    throw new UsageError(`${name} is asked by people: say who, with --as USER`)
  const missing = wanted.params.filter((param) => param !== callerParam && !(param in values))
  if (missing.length > 0)
    throw new UsageError(`${name} needs ${missing.join(' and ')} in its JSON: ${template}`)
  try {
    const rest = wanted.rest(values)
    const payload = Object.keys(rest).length === 0 ? '' : JSON.stringify(rest)
    return { subject: wanted.fill(values, as), payload }
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(error.message)
    throw error
  }
}
