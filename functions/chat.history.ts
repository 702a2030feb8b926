import { defineFunction } from '#runtime'
import { chatHistory } from '#schema/messages/chat'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'
import { hideDeleted } from './_deleted.ts'
import { findHandled } from './_handled.ts'
import { requireMember } from './_member.ts'
import { readPage } from './_page.ts'

/** Reads one page of a room, from where it is told to. */
export default defineFunction(
  chatHistory,
  async (asked, context) => {
    const { user } = await requireMember(asked.room, context)
    const handled = await findHandled('rooms', context)
    const page = await readPage({ ...asked, caller: user })
    const messages = await hideDeleted(asked.room, page.messages, handled, context)
    return { ...page, messages, asOf: Math.min(page.asOf, handled.seq) }
  },
  { uses: [CHAT_MESSAGES, ROOMS_KV], limit: { max: 300, windowMs: 60_000 } },
)
