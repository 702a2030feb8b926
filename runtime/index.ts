/** What a file in functions/ may use of the runtime. */

export type {
  AuthGrant,
  AuthRequest,
  Bucket,
  ConsumerProgress,
  Context,
  FunctionInfo,
  KvChange,
  KvEntry,
  PubAck,
  StreamMessage,
} from './api/context.ts'
export type {
  BucketDeclaration,
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
export type { FunctionDefinition, FunctionOptions, RejectedCall } from './api/define.ts'
export { callout, defineFunction, event, kvWatch, schedule, stream } from './api/define.ts'
export type { ErrorBody, ErrorCode } from './api/errors.ts'
export { FunctionError } from './api/errors.ts'
export type { Service, ServiceInstance } from './monitoring/services.ts'
export type { System } from './monitoring/system.ts'
export type { CollectedSpan } from './tracing/collect-spans.ts'
export type { SpanQuery } from './tracing/span-store.ts'
