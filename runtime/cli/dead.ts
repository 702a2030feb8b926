import type { NatsConnection } from '@nats-io/nats-core'
import { type Command, InvalidArgumentError } from 'commander'
import { FunctionError } from '../api/errors.ts'
import { createRequester, type Requester } from '../client/index.ts'
import { discardDeadLetter, findDeadLetter, listDeadLetters } from '../jetstream/dead-letters.ts'
import { replayDeadLetter } from '../monitoring/system.ts'
import { openConnection, type ServerOptions } from './connection.ts'
import { CliError } from './failure.ts'
import { note, print, printJson } from './output.ts'
import { Refusal } from './reply.ts'
import { formatTable } from './table.ts'

interface PageOptions extends ServerOptions {
  after: number
  limit: number
}

export function addDead(program: Command): void {
  const dead = program
    .command('dead')
    .description('list, replay or discard dead letters: messages that a function failed to process')
    .addHelpText(
      'after',
      `
Examples:
  runtime dead ls
  runtime dead ls --json | jq '.letters[].reason'
  runtime dead replay 7
  runtime dead discard 7`,
    )
  dead
    .command('ls')
    .description('list dead letters, oldest first, with their origin and reason')
    .option('--after <seq>', 'only those after this number', readWholeNumber(0), 0)
    .option('--limit <n>', 'maximum number', readWholeNumber(1), 100)
    .action((_, command: Command) => ask(command, list))
  dead
    .command('replay')
    .description(
      'call the function again with the original message; delete the dead letter on success',
    )
    .argument('<seq>', 'number in the list', readWholeNumber(1))
    .action((seq: number, _, command: Command) => ask(command, replay(seq)))
  dead
    .command('discard')
    .description('delete a dead letter')
    .argument('<seq>', 'number in the list', readWholeNumber(1))
    .action((seq: number, _, command: Command) => ask(command, discard(seq)))
}

type Verb = (nc: NatsConnection, requester: Requester, options: PageOptions) => Promise<void>

async function ask(command: Command, verb: Verb) {
  const options = command.optsWithGlobals<PageOptions>()
  await using nc = await openConnection(options)
  const requester = createRequester(nc)
  try {
    await verb(nc, requester, options)
  } catch (error) {
    throw error instanceof FunctionError ? new Refusal(error, options.json) : error
  } finally {
    requester.close()
  }
}

const list: Verb = async (_nc, requester, options) => {
  const page = await listDeadLetters(requester, options)
  if (options.json) return printJson(page)
  if (page.total === 0) return note('no dead letters')
  const columns = [
    { title: 'SEQ', right: true },
    { title: 'FAILED AT' },
    { title: 'SERVICE' },
    { title: 'SUBJECT' },
    { title: 'SEQUENCE', right: true },
    { title: 'ATTEMPTS', right: true },
    { title: 'REASON' },
  ]
  const rows = page.letters.map((letter) => [
    String(letter.seq),
    letter.at.toISOString(),
    letter.service,
    letter.subject,
    String(letter.sequence),
    String(letter.deliveries),
    letter.reason,
  ])
  print(formatTable(columns, rows))
  if (page.hasMore) note(`more with "--after ${page.letters.at(-1)?.seq}"`)
}

const replay =
  (seq: number): Verb =>
  async (nc, requester, { json }) => {
    if (!(await replayDeadLetter(nc, requester, seq))) throw absent(seq)
    if (json) printJson({ seq, replayed: true })
    else print(`${seq} replayed`)
  }

const discard =
  (seq: number): Verb =>
  async (_nc, requester, { json }) => {
    const found = await findDeadLetter(requester, seq)
    if (!found || !(await discardDeadLetter(requester, seq))) throw absent(seq)
    if (json) printJson({ seq, discarded: true })
    else print(`${seq} discarded`)
  }

function absent(seq: number) {
  return new CliError(`there is no dead letter ${seq}; "runtime dead ls" lists them`)
}

function readWholeNumber(min: number) {
  return (text: string): number => {
    const number = Number(text)
    if (text.trim() !== '' && Number.isSafeInteger(number) && number >= min) return number
    throw new InvalidArgumentError(`Give a whole number, ${min} or more.`)
  }
}
