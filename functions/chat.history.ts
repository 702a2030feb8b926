import { defineFunction } from '#runtime'
import { chatHistory } from '#schema/messages/chat'
import { ROOMS_KV } from '#schema/streams'
import { requireMember } from './_member.ts'
import { readPage } from './_page.ts'

/** Reads one page of a room, from where it is told to. */
export default defineFunction(
  chatHistory,
  async (asked, context) => {
    const { user } = await requireMember(asked.room, context)
    return readPage({ ...asked, caller: user })
  },
  { uses: [ROOMS_KV], limit: { max: 300, windowMs: 60_000 } },
)
