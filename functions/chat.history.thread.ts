import { defineFunction } from '#runtime'
import { chatHistoryThread } from '#schema/messages/chat'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'
import { findHandled } from './_handled.ts'
import { hideDeleted } from './_later.ts'
import { requireMember } from './_member.ts'
import { readPage } from './_page.ts'

/** Reads one page of a thread, from where it is told to. */
export default defineFunction(
  chatHistoryThread,
  async (asked, context) => {
    const { user } = await requireMember(asked.room, context)
    const handled = await findHandled('threads too', context)
    const page = await readPage({ ...asked, caller: user })
    const messages = await hideDeleted(asked.room, page.messages, handled, context)
    return { ...page, messages, asOf: Math.min(page.asOf, handled.seq) }
  },
  { uses: [CHAT_MESSAGES, ROOMS_KV], limit: { max: 300, windowMs: 60_000 } },
)
