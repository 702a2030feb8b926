import { chunkHeader, type Schema } from '../api/contract.ts'
import { FunctionError } from '../api/errors.ts'
import { writeHeaders } from '../api/headers.ts'
import { describeIssues, validateSync } from '../api/validate.ts'
import type { Backbone } from './backbone.ts'

/** The call whose answer is sent in parts. */
interface StreamedCall {
  readonly schema: Schema
  readonly backbone: Backbone
  /** Empty if the caller expects no answer. */
  readonly replySubject: string
  /** Runs a step of the handler in the trace of the call. */
  run<T>(work: () => T): T
  isAnswered(): boolean
  onFirst(): void
  cancel(reason: FunctionError): void
}

/**
 * Sends the parts that the handler yields. Ends when the handler returns, or when the call was
 * answered by a rejection, for example at its deadline.
 */
export async function sendParts(handle: () => unknown, call: StreamedCall): Promise<unknown> {
  const parts = (await call.run(handle)) as AsyncGenerator<unknown, unknown, void>
  if (typeof parts?.next !== 'function')
    throw new TypeError('The contract has a chunk, so the handler must be an async function*')
  const gone = new FunctionError('cancelled', 'The caller is no longer connected')
  const audience = call.backbone.audience.watch(() => call.cancel(gone))
  try {
    for (let count = 1; ; count++) {
      const { done, value } = await call.run(() => parts.next())
      if (done) return value
      if (call.isAnswered()) return void (await call.run(() => parts.return(undefined)))
      if (count === 1) call.onFirst()
      sendPart(value, count, audience.replySubject, call)
    }
  } finally {
    audience.leave()
  }
}

function sendPart(value: unknown, count: number, reply: string, call: StreamedCall) {
  const { schema, replySubject, backbone } = call
  const { issues, value: chunk } = { value: undefined, ...validateSync(schema, value) }
  if (issues) throw new TypeError(`A part does not match the contract: ${describeIssues(issues)}`)
  if (replySubject === '') return
  const headers = writeHeaders({ [chunkHeader]: String(count) })
  backbone.nc.publish(replySubject, JSON.stringify(chunk), { headers, reply })
}
