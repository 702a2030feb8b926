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

interface CallTarget {
  name: string
  subject: string
  template: string | undefined
  trigger: string | undefined
}

export function addCall(program: Command): void {
  program
    .command('call')
    .description('call a function, or any endpoint of a micro service, and print its answer')
    .argument('<name>', 'a function, a service, or service/endpoint if it has several')
    .argument('[json]', 'the input, or "-" to read it from stdin; other services get it unchanged')
    .option(
      '--as <user>',
      'the calling user, for functions that users call; the roles of this user are not checked',
    )
    .option('--timeout <ms>', 'milliseconds to wait for the answer', readMs, 5_000)
    .addHelpText(
      'after',
      `
Fields that are parameters of the function's subject go into the subject; the rest is the payload.

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
  const input = json === '-' ? await text(process.stdin) : json
  await using nc = await openConnection(options)
  const target = await findTarget(nc, name)
  const { subject, payload } = writeRequest(target, input, options.as)
  if (options.verbose) note(`calling ${subject} with ${payload || 'an empty payload'}`)

  const requester = createRequester(nc)
  const hdrs = target.template === undefined ? undefined : headers()
  hdrs?.set(timeoutHeader, String(options.timeout))
  try {
    const reply = await requester.stream(subject, payload, {
      headers: hdrs,
      timeoutMs: options.timeout,
      onChunk: (chunk) => printReply(chunk, options.json),
    })
    printReply(reply, options.json)
  } catch (error) {
    throw error instanceof FunctionError ? new Refusal(error, options.json) : error
  } finally {
    requester.close()
  }
}

async function findTarget(nc: NatsConnection, name: string): Promise<CallTarget> {
  const [service = '', requested] = name.split('/')
  const { valid, invalid } = await discoverOrFail(nc, 'INFO', service)
  const [info] = valid
  if (!info) {
    const [broken] = invalid
    if (!broken) throw await unknownName(nc, service)
    throw new CliError(
      `${service} answers, but violates the micro protocol: ${broken.problems.join('; ')}`,
    )
  }
  const endpoints = info.endpoints ?? []
  const endpointName = requested ?? (endpoints.length === 1 ? endpoints[0]?.name : info.name)
  const endpoint = endpoints.find(
    (candidate) =>
      candidate.name === endpointName || candidate.name === toServiceName(endpointName ?? ''),
  )
  if (endpoint)
    return {
      name,
      subject: endpoint.subject,
      template: endpoint.metadata?.template,
      trigger: endpoint.metadata?.trigger,
    }
  const choices = endpoints.map((candidate) => `${service}/${candidate.name}`).join(', ')
  throw new UsageError(
    requested === undefined
      ? `${service} has several endpoints: call one of ${choices}`
      : `${service} has no endpoint ${requested}: it has ${choices || 'none'}`,
  )
}

function writeRequest({ name, subject, template, trigger }: CallTarget, json = '', as?: string) {
  if (trigger === 'event')
    throw new UsageError(`${name} cannot be called: it subscribes to ${subject}`)
  if (template === undefined) {
    if (!/[*>]/.test(subject)) return { subject, payload: json }
    throw new CliError(`${name} has the subject ${subject} and does not declare its wildcards`)
  }
  const values = readJson(json || '{}')
  const parsed = parseSubject(template)
  if (parsed.params.includes(callerParam) && as === undefined)
    throw new UsageError(`${name} is called by users: name one with --as USER`)
  const missing = parsed.params.filter((param) => param !== callerParam && !(param in values))
  if (missing.length > 0)
    throw new UsageError(`${name} needs ${missing.join(' and ')} in its JSON: ${template}`)
  try {
    const rest = parsed.rest(values)
    const payload = Object.keys(rest).length === 0 ? '' : JSON.stringify(rest)
    return { subject: parsed.fill(values, as), payload }
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(error.message)
    throw error
  }
}
