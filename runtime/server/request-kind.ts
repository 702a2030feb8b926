import { defaultMaxBytes, defaultTimeoutMs, type Schema } from '../api/contract.ts'
import { parseSubject, type Subject } from '../api/subject.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { FunctionHost } from './function-host.ts'

/** The properties that all calls of a function share. */
export interface RequestKind {
  readonly host: FunctionHost
  readonly dispatcher: Dispatcher
  readonly subject: Subject
  readonly input: Schema
  /** Undefined for events, whose handlers return nothing. */
  readonly output: Schema | undefined
  readonly chunk: Schema | undefined
  readonly timeoutMs: number
  /** Unlimited for events, because only functions publish them. */
  readonly maxBytes: number
}

export function requestKind(host: FunctionHost, dispatcher: Dispatcher): RequestKind {
  const { contract, trigger } = host.loaded.definition
  const topic = trigger?.kind === 'event' ? trigger.topic : undefined
  const subject = parseSubject(host.loaded.subject ?? topic?.subject ?? '')
  const input = contract?.input ?? topic?.data
  if (!input) throw new TypeError(`${host.loaded.name} is neither a request nor an event`)
  return {
    host,
    dispatcher,
    subject,
    input,
    output: contract?.output,
    chunk: contract?.chunk,
    timeoutMs: contract?.timeoutMs ?? defaultTimeoutMs,
    maxBytes: contract ? (contract.maxBytes ?? defaultMaxBytes) : Number.POSITIVE_INFINITY,
  }
}
