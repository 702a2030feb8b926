const paths = {
  hash: 'M9 4 7 20M17 4l-2 16M4 9h17M3 15h17',
  lock: 'M6 11h12v9H6zM8 11V8a4 4 0 0 1 8 0v3',
  plus: 'M12 5v14M5 12h14',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l5 5',
  compass: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM15.5 8.5l-2 5-5 2 2-5z',
  send: 'M4 12 20 4l-5 16-4-7z',
  people:
    'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20c0-3.5 3-6 6.5-6s6.5 2.5 6.5 6M16 4.5a3.5 3.5 0 0 1 0 6.6M18 14.5c2.2.8 3.5 2.8 3.5 5.5',
  thread: 'M4 5h16v11H9l-5 4z',
  smile: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM8.5 14c1.8 2.6 5.2 2.6 7 0M9 9.5h.01M15 9.5h.01',
  edit: 'M4 20h4L19 9l-4-4L4 16zM13 7l4 4',
  trash: 'M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13',
  more: 'M5 12h.01M5.5 12h.01M12 12h.01M12.5 12h.01M19 12h.01M19.5 12h.01',
  close: 'M6 6l12 12M18 6 6 18',
  widen: 'M14 4h6v6M10 20H4v-6M20 4l-7 7M4 20l7-7',
  narrow: 'M20 10h-6V4M4 14h6v6M14 10l7-7M10 14l-7 7',
  back: 'M15 5l-7 7 7 7',
  down: 'M12 5v14M6 13l6 6 6-6',
  up: 'M12 19V5M6 11l6-6 6 6',
  next: 'M9 5l7 7-7 7',
  pulse: 'M3 12h4l3-8 4 16 3-8h4',
  clock: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3 2',
  alert: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v6M12 16.5h.01',
  check: 'M5 13l4 4L19 7',
  bell: 'M18 9a6 6 0 0 0-12 0c0 6-2 7-2 7h16s-2-1-2-7M10 20a2.2 2.2 0 0 0 4 0',
  bellOff:
    'M8 4.6A6 6 0 0 1 18 9c0 2.6.4 4.3.9 5.4M6 8.5V9c0 6-2 7-2 7h12M10 20a2.2 2.2 0 0 0 4 0M3 3l18 18',
  apps: 'M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM17 14v6M14 17h6',
  link: 'M10 14a4.5 4.5 0 0 0 6.4 0l3-3a4.5 4.5 0 0 0-6.4-6.4l-1 1M14 10a4.5 4.5 0 0 0-6.4 0l-3 3a4.5 4.5 0 0 0 6.4 6.4l1-1',
} as const

export type IconName = keyof typeof paths

/** Hidden from screen readers, so the element around the icon must have the label. */
export function Icon(props: { name: IconName }) {
  return (
    <svg
      class={`icon is-${props.name}`}
      viewBox="0 0 24 24"
      width="18"
      height="18"
      aria-hidden="true"
    >
      <path d={paths[props.name]} />
    </svg>
  )
}
