import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { DefaultRoomsEnv } from '../../../domain/rooms/default-rooms.ts'

const read = (value: string | undefined) =>
  v.parse(DefaultRoomsEnv, { DEFAULT_ROOMS: value }).DEFAULT_ROOMS

describe('DEFAULT_ROOMS', () => {
  it.each([
    [undefined, ['general']],
    ['', []],
    [' , ', []],
    ['help, release-notes,help', ['help', 'release-notes']],
  ])('with the value %j names the rooms %j', (value, ids) => {
    expect(read(value)).toEqual(ids)
  })

  it.each(['Help', 'help desk', 'general;help', 'dm-1', 'x'.repeat(65)])(
    'rejects %j with an error that shows the wrong id and an example',
    (id) => {
      expect(() => read(`general,${id}`)).toThrow(
        `DEFAULT_ROOMS contains "${id}": list room ids of a to z, 0 to 9, _ and -, such as general,help`,
      )
    },
  )
})
