/** What a file in functions/ may use of the runtime. */
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
} from './contract.ts'
export type { FunctionDefinition, FunctionOptions, RejectedCall } from './define.ts'
export { callout, defineFunction, event, kvWatch, schedule, stream } from './define.ts'
export type { ErrorBody, ErrorCode } from './error.ts'
export { FunctionError } from './error.ts'
export type {
  Admission,
  Appended,
  Bucket,
  Change,
  Context,
  Entry,
  FunctionInfo,
  Handled,
  Login,
  Stored,
} from './handler.ts'
export type { SpanQuery } from './spans.ts'
export type { Service, ServiceInstance } from './system/services.ts'
export type { SeenSpan } from './system/spans.ts'
export type { System } from './system/system.ts'
