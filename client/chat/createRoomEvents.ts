import { onCleanup } from 'solid-js'
import type { RoomId } from '#schema/ids'
import type { Notice, PlacedEvent } from '#schema/messages/event'
import type { ChatClient } from '../nats/chatClient.ts'
import { createRoomFeed, type MissedEvents, type RoomFeed } from './createRoomFeed.ts'
import { RecentEvents } from './recentEvents.ts'
import { applyEvent, type Timeline } from './timeline.ts'

interface RoomEventsOptions {
  client: ChatClient
  room: RoomId
  onEvent: (placed: PlacedEvent) => void
  onLost: () => void
}

export function createRoomEvents(options: RoomEventsOptions) {
  let feed: RoomFeed | undefined
  let recent = new RecentEvents(0)
  let early: Notice[] = []
  onCleanup(() => feed?.stop())

  /**
   * Starts the feed after `asOf`, the last event that a loaded history page contains. Restarts a
   * running feed only if it has missed events and could not fetch them (`isLost`), or if the buffer
   * `recent` has evicted events after `asOf`.
   */
  function follow(asOf: number) {
    if (!feed) start(asOf)
    else if (feed.isLost() || !recent.isCompleteAfter(asOf)) {
      recent.restart(asOf)
      feed.restart(asOf)
    }
  }

  function start(asOf: number) {
    recent = new RecentEvents(asOf)
    feed = createRoomFeed({
      ...options,
      asOf,
      onEvent(placed) {
        recent.add(placed)
        options.onEvent(placed)
      },
    })
    for (const notice of early) feed.receive(notice)
    early = []
    // The history page may come from a lagging replica. It may then lack events whose notices were
    // published before the client subscribed.
    feed.syncSoon()
  }

  return {
    follow,
    isLost: () => feed?.isLost() === true,
    catchUp: (timeline: Timeline, asOf: number): Timeline =>
      recent.after(asOf).reduce(applyEvent, timeline),
    receive(notice: Notice) {
      if (feed) feed.receive(notice)
      else early.push(notice)
    },
    expect: (seq: number) => feed?.expect(seq),
    sync: async (): Promise<MissedEvents> => (feed ? feed.sync() : []),
    completeUpTo: () => feed?.completeUpTo() ?? 0,
  }
}
