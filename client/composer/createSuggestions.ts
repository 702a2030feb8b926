import { type Accessor, createEffect, createMemo, createSignal, on, onCleanup } from 'solid-js'
import type { UserId } from '#schema/ids'
import { useChat } from '../chat/createChat.ts'
import { findEmoji, type NamedEmoji } from '../emoji/emojiNames.ts'
import { useConversation } from '../messages/createConversation.ts'
import { matchRank } from '../text/matching.ts'
import type { CompletionQuery } from './completionQuery.ts'

export type Suggestion =
  | { kind: 'person'; text: string; userId: UserId; isOutside: boolean }
  | { kind: 'emoji'; text: string; name: string }

const maxSuggestions = 8
/** Whoever types on is not searched for at each letter. */
const debounceMs = 120

/** Who or what may be meant: people of the room at once, others when the server has found them. */
export function createSuggestions(
  wanted: Accessor<CompletionQuery>,
): Accessor<readonly Suggestion[]> {
  const people = createPeopleOf(wanted)
  return createMemo(() => {
    const { kind, text } = wanted()
    return kind === 'person' ? people() : findEmoji(text, maxSuggestions).map(toSuggestion)
  })
}

const toSuggestion = ([text, name]: NamedEmoji): Suggestion => ({
  kind: 'emoji',
  text,
  name,
})

function createPeopleOf(wanted: Accessor<CompletionQuery>): Accessor<Suggestion[]> {
  const chat = useChat()
  const { room, timeline } = useConversation()
  const [found, setFound] = createSignal<{ for: string; users: readonly UserId[] }>()
  const searched = () => {
    const { kind, text } = wanted()
    return kind === 'person' && room.kind !== 'direct' ? text : ''
  }
  createEffect(
    on(searched, (text) => {
      if (text === '') return
      const timer = setTimeout(async () => {
        const answer = await chat.client.try('users.search', { text })
        if (!answer.ok) return
        for (const { userId, name } of answer.value.users) chat.people.learn(userId, name)
        setFound({ for: text, users: answer.value.users.map(({ userId }) => userId) })
      }, debounceMs)
      onCleanup(() => clearTimeout(timer))
    }),
  )
  chat.members.want(room.id)

  /** Those who spoke last first: they are the likeliest to be answered. */
  const inside = createMemo(() => {
    const spoke = timeline.items().map(({ sender }) => sender)
    const others = chat.members.of(room.id)?.map(({ userId }) => userId) ?? []
    const all = new Set([...spoke.toReversed(), ...(room.with ? [room.with] : []), ...others])
    all.delete(chat.me)
    return [...all]
  })
  const names = createMemo(
    () => new Map(chat.members.of(room.id)?.map(({ userId, name }) => [userId, name])),
  )

  return createMemo(() => {
    const { text } = wanted()
    const fits = inside().flatMap((userId) => {
      const rank = matchRank(text, userId, names().get(userId) ?? chat.people.name(userId))
      return rank === undefined ? [] : [{ userId, rank }]
    })
    const known = fits.sort((one, other) => one.rank - other.rank).map(({ userId }) => userId)
    // What was found for other letters is no answer to these.
    const search = found()
    const more = search?.for === text && text !== '' ? search.users : []
    const isOutside = (user: UserId) => names().size > 0 && !inside().includes(user)
    return [...new Set([...known, ...more])]
      .filter((userId) => userId !== chat.me)
      .slice(0, maxSuggestions)
      .map((userId) => ({
        kind: 'person',
        text: `@${userId}`,
        userId,
        isOutside: isOutside(userId),
      }))
  })
}
