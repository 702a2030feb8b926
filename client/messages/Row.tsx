import { createMemo } from 'solid-js'
import type { MessageId } from '#schema/ids'
import { useLanguage } from '../i18n/createLanguage.ts'
import { createToday } from './createToday.ts'
import { ListStart } from './ListStates.tsx'
import { MessageRow } from './MessageRow.tsx'
import { OutgoingRow } from './PendingRow.tsx'
import type { Row } from './rows.ts'

/** A row of whatever kind, as it is now; of what kind it is follows from its key. */
export function AnyRow(props: {
  key: string
  row: Row | undefined
  marked: MessageId | undefined
}) {
  const { t } = useLanguage()
  // The list moves rows a moment later than there are others in their places.
  const row = createMemo<Row | undefined>((before) =>
    props.row?.key === props.key ? props.row : before,
  )
  const is = <Is extends Row['is']>(_is: Is) => row() as Extract<Row, { is: Is }>
  switch (row()?.is) {
    case 'start':
      return <ListStart isRow />
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
      return <OutgoingRow outgoing={message().outgoing} isFirst={message().isFirst} />
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
