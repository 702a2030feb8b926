/**
 * The typed client for browsers, services and tests. It must not import server code, because
 * browsers load it.
 */
export type { Contract, Topic } from '../api/contract.ts'
export type { ErrorBody, ErrorCode } from '../api/errors.ts'
export type {
  Answer,
  AnswerStream,
  CallError,
  CallOptions,
  Client,
  ClientOptions,
} from './client.ts'
export { createClient, isCallError } from './client.ts'
export type { Requester } from './requester.ts'
export { createRequester } from './requester.ts'
