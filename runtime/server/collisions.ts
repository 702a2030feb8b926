import { isDeepStrictEqual } from 'node:util'
import { overlaps, parseSubject } from '../api/subject.ts'
import type { LoadedFunction, LoadProblem } from './loaded-function.ts'
import { requiredResources } from './required-resources.ts'

export function findCollisions(loaded: readonly LoadedFunction[]): LoadProblem[] {
  return [
    ...findSubjectCollisions(loaded),
    ...findResourceCollisions(loaded),
    ...findWebhookCollisions(loaded),
    ...loaded
      .filter(({ trigger }) => trigger === 'callout')
      .slice(1)
      .map(({ file }) => ({ file, export: 'default', reason: 'another file serves the callout' })),
  ]
}

/**
 * Finds functions with the same service name or with overlapping subjects. Also finds streams that
 * capture a request subject: such a stream acknowledges each request, and the caller would take the
 * acknowledgement for the answer.
 */
function findSubjectCollisions(loaded: readonly LoadedFunction[]): LoadProblem[] {
  const problems: LoadProblem[] = []
  const streams = [...requiredResources(loaded).streams]
  loaded.forEach(({ file, service, subject }, index) => {
    const pattern = subject && parseSubject(subject).pattern
    for (const other of loaded.slice(0, index)) {
      if (other.service === service)
        problems.push({
          file,
          export: '',
          reason: `${other.fileName} has the same service name ${service}`,
        })
      if (pattern && other.subject && overlaps(pattern, parseSubject(other.subject).pattern))
        problems.push({
          file,
          export: 'default.subject',
          reason: `${subject} overlaps ${other.subject} of ${other.fileName}`,
        })
    }
    const stream =
      pattern &&
      streams.find(({ subjects }) => subjects.some((captured) => overlaps(captured, pattern)))
    if (stream)
      problems.push({
        file,
        export: 'default.subject',
        reason: `the stream ${stream.stream} captures ${subject} and would answer its requests`,
      })
  })
  return problems
}

function findWebhookCollisions(loaded: readonly LoadedFunction[]): LoadProblem[] {
  const byPath = Map.groupBy(loaded, ({ definition }) => definition.options.webhook)
  byPath.delete(undefined)
  return [...byPath].flatMap(([path, [first, ...others]]) =>
    others.map(({ file }) => ({
      file,
      export: 'default.webhook',
      reason: `${first?.fileName} has the same path ${path}`,
    })),
  )
}

function findResourceCollisions(loaded: readonly LoadedFunction[]): LoadProblem[] {
  const problems: LoadProblem[] = []
  const seen = new Map<
    string,
    { fileName: string; declaration: object; subjects: readonly string[] }
  >()
  const add = (
    { file, fileName }: LoadedFunction,
    name: string,
    declaration: object,
    subjects: readonly string[],
  ) => {
    const report = (reason: string) => problems.push({ file, export: 'default', reason })
    const same = seen.get(name)
    if (!same) {
      for (const [otherName, other] of seen)
        if (subjects.some((a) => other.subjects.some((b) => overlaps(a, b))))
          report(`the ${name} captures subjects of the ${otherName} of ${other.fileName}`)
      seen.set(name, { fileName, declaration, subjects })
    } else if (!isDeepStrictEqual(declaration, same.declaration))
      report(`it declares the ${name} differently from ${same.fileName}`)
  }
  for (const func of loaded) {
    const { streams, buckets } = requiredResources([func])
    for (const stream of streams) add(func, `stream ${stream.stream}`, stream, stream.subjects)
    for (const { value: _, ...bucket } of buckets)
      add(func, `bucket ${bucket.bucket}`, bucket, [`$KV.${bucket.bucket}.>`])
  }
  return problems
}
