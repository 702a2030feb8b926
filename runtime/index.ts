/** The API that the files of functions import. */

export type { AuthGrant, AuthRequest } from './api/auth.ts'
export type { Bucket, KvChange, KvEntry, WriteOptions } from './api/bucket.ts'
export type { Context, FunctionInfo } from './api/context.ts'
export type {
  BucketDeclaration,
  ChunkOf,
  Contract,
  DataOf,
  InputOf,
  OutputOf,
  ParsedDataOf,
  ParsedInputOf,
  Schema,
  StreamDeclaration,
  Topic,
  ValueOf,
} from './api/contract.ts'
export type {
  AroundDefinition,
  FunctionDefinition,
  FunctionOptions,
  FunctionSet,
  GuardedCall,
  RejectedCall,
} from './api/define.ts'
export { defineAround, defineFunction, defineFunctions } from './api/define.ts'
export type { ErrorBody, ErrorCode } from './api/errors.ts'
export { FunctionError } from './api/errors.ts'
export { partitionOf, type SequenceRange, sequencesOfPartition } from './api/partition.ts'
export type { ConsumerProgress, PubAck, StreamMessage } from './api/stream.ts'
export type {
  ClientConnection,
  ClientSpan,
  CollectedSpan,
  NamedConnection,
  Service,
  ServiceInstance,
  SpanQuery,
  System,
} from './api/system.ts'
export { callout, event, kvWatch, schedule, stream } from './api/trigger.ts'
