import { type Accessor, createEffect, createMemo, createSignal, on, onCleanup } from 'solid-js'
import type { UserId } from '#schema/ids'
import { hasRight } from '#schema/roles'
import { type GroupName, groupNames } from '#schema/text/group-names'
import { useChat } from '../chat/createChat.ts'
import { findEmoji, type NamedEmoji } from '../emoji/emojiNames.ts'
import { useConversation } from '../messages/createConversation.ts'
import { matchRank } from '../text/matching.ts'
import type { CompletionQuery } from './completionQuery.ts'

export type Suggestion =
  | { kind: 'person'; text: string; userId: UserId; isOutside: boolean }
  | { kind: 'group'; text: string; group: GroupName }
  | { kind: 'emoji'; text: string; name: string }

const maxSuggestions = 8
const debounceMs = 120

export function createSuggestions(
  query: Accessor<CompletionQuery>,
): Accessor<readonly Suggestion[]> {
  const people = createPeopleOf(query)
  const { room, threadId } = useConversation()
  const groups = (text: string): Suggestion[] =>
    threadId === undefined && room.kind !== 'direct' && hasRight(room, 'mentionGroup')
      ? groupNames
          .filter((group) => group.startsWith(text))
          .map((group) => ({ kind: 'group', text: `@${group}`, group }))
      : []
  return createMemo(() => {
    const { kind, text } = query()
    if (kind === 'person') {
      // `@all` and `@here` come last, so that Enter does not choose one of them by accident.
      const matching = groups(text)
      return [...people().slice(0, maxSuggestions - matching.length), ...matching]
    }
    return findEmoji(text, maxSuggestions).map(toSuggestion)
  })
}

const toSuggestion = ([text, name]: NamedEmoji): Suggestion => ({
  kind: 'emoji',
  text,
  name,
})

function createPeopleOf(query: Accessor<CompletionQuery>): Accessor<Suggestion[]> {
  const chat = useChat()
  const { room, timeline } = useConversation()
  const [search, setSearch] = createSignal<{ text: string; users: readonly UserId[] }>()
  const searchText = () => {
    const { kind, text } = query()
    return kind === 'person' && room.kind !== 'direct' ? text : ''
  }
  createEffect(
    on(searchText, (text) => {
      if (text === '') return
      const timer = setTimeout(async () => {
        const answer = await chat.client.try('users.search', { text })
        if (!answer.ok) return
        chat.people.add(answer.value.users)
        setSearch({ text, users: answer.value.users.map(({ userId }) => userId) })
      }, debounceMs)
      onCleanup(() => clearTimeout(timer))
    }),
  )
  chat.members.ensureLoaded(room.id)

  /** The latest senders come first, because they are the likeliest to be mentioned. */
  const insiders = createMemo(() => {
    const senders = timeline.items().map(({ sender }) => sender)
    const members = chat.members.of(room.id)?.map(({ userId }) => userId) ?? []
    const all = new Set([...senders.toReversed(), ...(room.with ? [room.with] : []), ...members])
    all.delete(chat.me)
    return [...all]
  })
  const names = createMemo(
    () => new Map(chat.members.of(room.id)?.map(({ userId, name }) => [userId, name])),
  )

  return createMemo(() => {
    const { text } = query()
    const matches = insiders().flatMap((userId) => {
      const name = names().get(userId) ?? chat.people.name(userId)
      const rank = matchRank(text, chat.people.handle(userId), name)
      return rank === undefined ? [] : [{ userId, rank }]
    })
    const ranked = matches.sort((a, b) => a.rank - b.rank).map(({ userId }) => userId)
    // The latest search result may be for an earlier text of the query.
    const result = search()
    const others = result?.text === text && text !== '' ? result.users : []
    const isOutside = (user: UserId) => names().size > 0 && !insiders().includes(user)
    return [...new Set([...ranked, ...others])]
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
