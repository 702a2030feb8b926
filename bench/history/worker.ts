/** A process that reads pages, one way. */
import type { RoomId } from '../../schema/ids.ts'
import { type LoopOptions, loop } from '../loop.ts'
import { serveParent, usedCpu } from '../worker.ts'
import { type PageRequest, type Reader, type ReaderName, readers } from './readers.ts'

export interface Opening {
  name: ReaderName
  url: string
  /** How many there are of each. */
  rooms: number
  rows: number
}

const limit = 50

let read: Reader
let anyPage: () => PageRequest

serveParent({
  open({ name, url, rooms, rows }: Opening) {
    read = readers[name](url)
    const any = (from: number, to: number) => from + Math.floor(Math.random() * (to - from))
    anyPage = () => ({
      // The busy one every third time.
      room: `room-${Math.max(0, any(-rooms / 2, rooms))}` as RoomId,
      // Far enough in for the page to be full.
      before: any(rooms * (limit + 1) * 3, rows),
      limit,
    })
  },
  read: (asked: PageRequest) => read(asked),
  run: (options: LoopOptions) => loop(options, () => read(anyPage())),
  cpu: usedCpu,
})
