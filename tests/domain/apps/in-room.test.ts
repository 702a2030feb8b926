import { PgDialect, pgSchema, text } from 'drizzle-orm/pg-core'
import { describe, expect, it } from 'vitest'
import { inRoom } from '#app/server'
import type { RoomId } from '#schema/ids'

const notes = pgSchema('app_notes').table('notes', {
  room: text('room').$type<RoomId>().notNull(),
  title: text('title').notNull(),
  deletedBy: text('deleted_by'),
})
const room = 'room-1' as RoomId

function sqlOf(condition: ReturnType<typeof inRoom>) {
  return new PgDialect().sqlToQuery(condition as NonNullable<typeof condition>)
}

describe('inRoom', () => {
  it('matches rows that have the given values and are in the room', () => {
    const { sql, params } = sqlOf(inRoom(notes, room, { title: 'Plan', deletedBy: null }))

    expect(sql.replaceAll('"app_notes"."notes".', '')).toBe(
      '("title" = $1 and "deleted_by" is null and "room" = $2)',
    )
    expect(params).toEqual(['Plan', room])
  })

  it('matches all rows of the room if no values are given', () => {
    expect(sqlOf(inRoom(notes, room))).toMatchObject({ params: [room] })
  })

  it('ignores a room in the values', () => {
    const values = { title: 'Plan', room: 'room-2' }

    expect(sqlOf(inRoom(notes, room, values)).params).toEqual(['Plan', room])
  })

  it('throws for an undefined value, which would match more rows', () => {
    const values = { title: undefined as unknown as string }

    expect(() => inRoom(notes, room, values)).toThrow('title is undefined')
  })
})
