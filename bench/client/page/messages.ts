/** What people say: the same at each run, of all heights, with code, lists, links to images, tables. */

const kinds: ((at: number) => string)[] = [
  () => 'Good morning',
  (at) => `I have looked at number ${at}, and it does what it says.`,
  (at) =>
    `The second of them is slower than it was. It waits for the first, ${'which waits for nobody, '.repeat(at % 7)}and that takes a while. Shall we look at it together?`,
  (at) =>
    `This is how:\n\n\`\`\`ts\nexport function readNumber${at}(text: string): number {\n  const number = Number(text)\n  if (Number.isNaN(number)) throw new Error(\`\${text} is no number\`)\n${'  console.log(number)\n'.repeat(at % 9)}  return number\n}\n\`\`\``,
  (at) => `A picture of it: ![the graph](https://images.example/graph-${at}.png)`,
  (at) =>
    `What is left:\n\n- [x] the first\n- [ ] the second\n${'- [ ] and another\n'.repeat(at % 5)}`,
  () => '**Yes**, _exactly_: `npm test` says so, see https://example.org/a/b?c=d',
  () => '> Who has seen this?\n\nI have, @bob has as well.',
  () => '👍🏽 🎉',
  () => 'صباح الخير، هل رأيت هذا؟',
  (at) =>
    `| what | before | now |\n|---|---:|---:|\n${`| number ${at} | 12 | 9 |\n`.repeat(1 + (at % 4))}`,
  (at) => `One line\nand another\n${'and one more\n'.repeat(at % 6)}`,
]

export function textOf(at: number): string {
  // A simple hash, so that neighbours differ.
  const hash = Math.imul(at + 1, 0x9e3779b1) >>> 0
  const kind = kinds[hash % 3 === 0 ? 1 : (hash >>> 8) % kinds.length]
  return kind?.(at) ?? ''
}
