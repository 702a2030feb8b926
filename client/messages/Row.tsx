import { createMemo } from 'solid-js'
import type { MessageId } from '#schema/ids'
import { useLanguage } from '../i18n/createLanguage.ts'
import { createToday } from './createToday.ts'
import { RoomStart } from './ListStates.tsx'
import { MessageRow } from './MessageRow.tsx'
import { PendingRow } from './PendingRow.tsx'
import type { ListRow } from './rows.ts'

/** The row with a given key always has the same `kind`, so `kind` is read only once. */
export function Row(props: {
  key: string
  row: ListRow | undefined
  marked: MessageId | undefined
}) {
  const { t } = useLanguage()
  // When rows move, `props.row` may briefly be the row of another key, because the virtual list
  // updates rows before their indexes. Until the index is updated, the previous row is shown.
  const row = createMemo<ListRow | undefined>((previous) =>
    props.row?.key === props.key ? props.row : previous,
  )
  const rowOf = <Kind extends ListRow['kind']>(_kind: Kind) =>
    row() as Extract<ListRow, { kind: Kind }>
  switch (row()?.kind) {
    case 'start':
      return <RoomStart isRow />
    case 'day':
      return <DayLine at={rowOf('day').at} />
    case 'unread':
      return (
        <div class="line is-new">
          <span>{t('message.newMessages')}</span>
        </div>
      )
    case 'message': {
      const message = () => rowOf('message')
      const isMarked = () => props.marked === message().item.id
      return <MessageRow item={message().item} isFirst={message().isFirst} isMarked={isMarked()} />
    }
    case 'outgoing': {
      const message = () => rowOf('outgoing')
      return <PendingRow outgoing={message().outgoing} isFirst={message().isFirst} />
    }
  }
}

function DayLine(props: { at: string }) {
  const { dayNameOf } = useLanguage()
  const today = createToday()
  const name = () => {
    today()
    return dayNameOf(props.at)
  }
  return (
    <div class="line">
      <span>{name()}</span>
    </div>
  )
}
