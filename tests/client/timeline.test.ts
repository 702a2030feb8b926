import { describe, expect, it } from 'vitest'
import type { MessageId } from '#schema/ids'
import type { Placed } from '#schema/messages/log'
import { apply, createTimeline, type Timeline } from '../../client/chat/timeline.ts'

function said(seq: number, id: string, threadId?: string): Placed {
  const [room, at, text] = ['general', new Date(seq).toISOString(), `text ${seq}`]
  const place = threadId === undefined ? {} : { threadId }
  const message = { id, room, sender: 'alice', clientId: `c-${id}`, text, mentions: [], at }
  return { seq, event: { kind: 'message', ...message, ...place } as never }
}

const empty = () => createTimeline({ messages: [], before: false, after: false, asOf: 0 })
const timelineOf = (events: Placed[], timeline: Timeline = empty()) =>
  events.reduce(apply, timeline)
const repliesOf = ({ items }: Timeline, id: string) =>
  items.find((item) => item.id === (id as MessageId))?.replies

describe('what is shown of a room', () => {
  it('counts the answers to a message', () => {
    const timeline = timelineOf([said(1, 'a'), said(2, 'b', 'a'), said(3, 'c', 'a')])

    expect(timeline.items.map(({ id }) => id)).toEqual(['a'])
    expect(repliesOf(timeline, 'a')).toEqual({ count: 2, lastSeq: 3 })
  })

  it('counts answers that come before what they answer, once', () => {
    const timeline = timelineOf([
      said(2, 'b', 'a'),
      said(3, 'c', 'a'),
      said(3, 'c', 'a'),
      said(1, 'a'),
      said(4, 'd', 'a'),
    ])

    expect(repliesOf(timeline, 'a')).toEqual({ count: 3, lastSeq: 4 })
  })

  it('keeps no more than some answers to what is not shown', () => {
    const many = Array.from({ length: 500 }, (_, at) => said(at + 10, `r-${at}`, `up-${at}`))

    expect(timelineOf(many).early.length).toBeLessThanOrEqual(50)
  })
})
