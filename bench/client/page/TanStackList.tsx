import { createVirtualizer } from '@tanstack/solid-virtual'
import { createEffect, For, on } from 'solid-js'
import { useConversation } from '../../../client/messages/createConversation.ts'
import { Row } from '../../../client/messages/Row.tsx'

export function TanStackList() {
  const { rows } = useConversation()
  let view: HTMLDivElement | undefined
  const virtualizer = createVirtualizer<HTMLDivElement, HTMLDivElement>({
    get count() {
      return rows().length
    },
    getScrollElement: () => view ?? null,
    getItemKey: (index: number) => rows()[index]?.key ?? index,
    estimateSize: () => 60,
    overscan: 4,
  })
  createEffect(
    on(
      () => rows().length,
      (length) =>
        requestAnimationFrame(() => virtualizer.scrollToIndex(length - 1, { align: 'end' })),
    ),
  )
  return (
    <div class="list-place">
      <div
        class="list"
        role="log"
        style={{ 'overflow-y': 'auto', contain: 'strict' }}
        ref={(element) => {
          view = element
        }}
      >
        <div style={{ position: 'relative', margin: 0, height: `${virtualizer.getTotalSize()}px` }}>
          <div
            style={{
              position: 'absolute',
              inset: '0 0 auto 0',
              transform: `translateY(${virtualizer.getVirtualItems()[0]?.start ?? 0}px)`,
            }}
          >
            <For each={virtualizer.getVirtualItems()}>
              {(item) => {
                const row = rows()[item.index]
                return (
                  <div
                    data-index={item.index}
                    ref={(element) => queueMicrotask(() => virtualizer.measureElement(element))}
                  >
                    {row && <Row key={row.key} row={row} marked={undefined} />}
                  </div>
                )
              }}
            </For>
          </div>
        </div>
      </div>
    </div>
  )
}
