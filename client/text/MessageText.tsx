export function MessageText(props: {
  text: string
  mentions: readonly string[]
  me: string
  names: (user: never) => string
}) {
  return <p class="text">{props.text}</p>
}
