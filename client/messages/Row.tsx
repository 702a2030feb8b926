import { createMemo } from 'solid-js'
import type { MessageId } from '#schema/ids'
import { useLanguage } from '../i18n/createLanguage.ts'
import { createToday } from './createToday.ts'
import { RoomStart } from './ListStates.tsx'
import { MessageRow } from './MessageRow.tsx'
import { PendingRow } from './PendingRow.tsx'
import type { ListRow } from './rows.ts'

/** A row of whatever kind, as it is now; of what kind it is follows from its key. */
export function Row(props: {
  key: string
  row: ListRow | undefined
  marked: MessageId | undefined
}) {
  const { t } = useLanguage()
  // The list moves rows a moment later than there are others in their places.
  const row = createMemo<ListRow | undefined>((before) =>
    props.row?.key === props.key ? props.row : before,
  )
  const is = <Kind extends ListRow['kind']>(_kind: Kind) =>
    row() as Extract<ListRow, { kind: Kind }>
  switch (row()?.kind) {
    case 'start':
      return <RoomStart isRow />
    case 'day':
      return <DayLine at={is('day').at} />
    case 'unread':
      return (
        <div class="line is-new">
          <span>{t('message.unreadLine')}</span>
        </div>
      )
    case 'message': {
      const message = () => is('message')
      const isMarked = () => props.marked === message().item.id
      return <MessageRow item={message().item} isFirst={message().isFirst} isMarked={isMarked()} />
    }
    case 'outgoing': {
      const message = () => is('outgoing')
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
