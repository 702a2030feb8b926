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
    .description('show what functions could not handle, have it tried again, or remove it')
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
    .description('list them, oldest first: where each came from, and the reason')
    .option('--after <seq>', 'those behind this one', readSeq, 0)
    .option('--limit <n>', 'so many at most', readSeq, 100)
    .action((_, command: Command) => ask(command, list))
  dead
    .command('replay')
    .description('have the function try one again, as it was; it is removed when that has worked')
    .argument('<seq>', 'its number in the list', readSeq)
    .action((seq: number, _, command: Command) => ask(command, replay(seq)))
  dead
    .command('discard')
    .description('remove one for good')
    .argument('<seq>', 'its number in the list', readSeq)
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
    { title: 'GIVEN UP' },
    { title: 'SERVICE' },
    { title: 'SUBJECT' },
    { title: 'SEQUENCE', right: true },
    { title: 'TRIED', right: true },
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
  if (page.hasMore) note(`there are more: "--after ${page.letters.at(-1)?.seq}"`)
}

const replay =
  (seq: number): Verb =>
  async (nc, requester, { json }) => {
    if (!(await replayDeadLetter(nc, requester, seq))) throw absent(seq)
    if (json) printJson({ seq, replayed: true })
    else print(`${seq} is handled`)
  }

const discard =
  (seq: number): Verb =>
  async (_nc, requester, { json }) => {
    const found = await findDeadLetter(requester, seq)
    if (!found || !(await discardDeadLetter(requester, seq))) throw absent(seq)
    if (json) printJson({ seq, discarded: true })
    else print(`${seq} is removed`)
  }

function absent(seq: number) {
  return new CliError(`there is no dead letter ${seq}; "runtime dead ls" shows what there is`)
}

function readSeq(text: string): number {
  const seq = Number(text)
  if (Number.isSafeInteger(seq) && seq >= 1) return seq
  throw new InvalidArgumentError('Give a whole number, 1 or more.')
}
