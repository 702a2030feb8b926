import type { Evidence } from './evidence.ts'
import { type Replay, replay } from './replay.ts'
import {
  checkUnreadCounts,
  compareDatabaseWithLog,
  compareIndexWithDatabase,
  findDuplicates,
  findLostChanges,
  findLostMessages,
  findUnerasedTexts,
} from './verdict-storage.ts'
import { checkMembers, compareViewsWithLog, findLeaks, findWrongNotices } from './verdict-views.ts'

export type Check = (evidence: Evidence, messages: Replay) => string[]

export const checks = {
  'every acknowledged message is in the log and in the database, exactly once': findLostMessages,
  'no message is stored twice': findDuplicates,
  'every acknowledged edit, deletion and reaction is applied': findLostChanges,
  'the database matches the log in content and order': compareDatabaseWithLog,
  "every member's view of a room matches the log in content and order": compareViewsWithLog,
  'every notice matches the log and names the previous event': findWrongNotices,
  'no user receives events or texts of a room without access': findLeaks,
  'deleted texts are erased from the log, the database and answers': findUnerasedTexts,
  'the members match the acknowledged joins and leaves': checkMembers,
  'unread and mention counts are correct': checkUnreadCounts,
  'the live index matches the database': compareIndexWithDatabase,
  'after the last fault, every call is answered or rejected as intended': ({ failedAfterFaults }) =>
    failedAfterFaults,
  'no process exits unexpectedly, and no call fails with internal': ({ crashes }) => crashes,
  'no message is dead-lettered': ({ deadLetters }) => deadLetters,
} satisfies Record<string, Check>

export function checkEvidence(evidence: Evidence): Record<string, string[]> {
  const messages = replay(evidence.log)
  return Object.fromEntries(
    Object.entries<Check>(checks).map(([name, check]) => [name, check(evidence, messages)]),
  )
}
