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
  /** Far enough in for a page to be full. */
  from: number
}

const limit = 50

let read: Reader
let anyPage: () => PageRequest

serveParent({
  open({ name, url, rooms, rows, from }: Opening) {
    read = readers[name](url)
    const any = (low: number, high: number) => low + Math.floor(Math.random() * (high - low))
    anyPage = () => ({
      // The busy one every third time.
      room: `room-${Math.max(0, any(-rooms / 2, rooms))}` as RoomId,
      before: any(from, rows),
      limit,
    })
  },
  read: (asked: PageRequest) => read(asked),
  run: (options: LoopOptions) => loop(options, () => read(anyPage())),
  cpu: usedCpu,
})
