import type { Evidence } from './evidence.ts'
import { type Replay, replay } from './replay.ts'
import {
  compareCounts,
  compareIndex,
  compareRows,
  findDoubles,
  findLost,
  findRemains,
  findUndone,
} from './verdict-kept.ts'
import { compareMembers, compareViews, findLeaks, findWrongNotices } from './verdict-seen.ts'

export type Check = (evidence: Evidence, messages: Replay) => string[]

/** What must hold after any run, whatever went wrong on the way. */
export const checks = {
  'every acknowledged message is in the log and in the database, once': findLost,
  'nothing was said twice': findDoubles,
  'every acknowledged change has been made': findUndone,
  'the database has of each room what the log has, in its order': compareRows,
  'every member sees of a room what the log has, in its order': compareViews,
  'what is told is what the log has, and names the event before it': findWrongNotices,
  'nobody received what they may not see': findLeaks,
  'what was deleted is nowhere any more': findRemains,
  'who came is there, and who went is not': compareMembers,
  'unread and mention counts are right': compareCounts,
  'the live index is as the database has it': compareIndex,
  'once nothing fails any more, everything is answered': ({ calm }) => calm,
  'no process ended by itself, and none failed for reasons of its own': ({ crashes }) => crashes,
  'nothing was given up': ({ deadLetters }) => deadLetters,
} satisfies Record<string, Check>

/** What each check has found: nothing, where all is well. */
export function judge(evidence: Evidence): Record<string, string[]> {
  const messages = replay(evidence.log)
  return Object.fromEntries(
    Object.entries<Check>(checks).map(([name, check]) => [name, check(evidence, messages)]),
  )
}
