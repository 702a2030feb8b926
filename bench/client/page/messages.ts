const kinds: ((index: number) => string)[] = [
  () => 'Good morning',
  (index) => `I have looked at number ${index}, and it does what it says.`,
  (index) =>
    `The second of them is slower than it was. It waits for the first, ${'which waits for nobody, '.repeat(index % 7)}and that takes a while. Shall we look at it together?`,
  (index) =>
    `This is how:\n\n\`\`\`ts\nexport function readNumber${index}(text: string): number {\n  const number = Number(text)\n  if (Number.isNaN(number)) throw new Error(\`\${text} is no number\`)\n${'  console.log(number)\n'.repeat(index % 9)}  return number\n}\n\`\`\``,
  (index) => `A picture of it: ![the graph](https://images.example/graph-${index}.png)`,
  (index) =>
    `What is left:\n\n- [x] the first\n- [ ] the second\n${'- [ ] and another\n'.repeat(index % 5)}`,
  () => '**Yes**, _exactly_: `npm test` says so, see https://example.org/a/b?c=d',
  () => '> Who has seen this?\n\nI have, @bob has as well.',
  () => '👍🏽 🎉',
  () => 'صباح الخير، هل رأيت هذا؟',
  (index) =>
    `| what | before | now |\n|---|---:|---:|\n${`| number ${index} | 12 | 9 |\n`.repeat(1 + (index % 4))}`,
  (index) => `One line\nand another\n${'and one more\n'.repeat(index % 6)}`,
]

export function textOf(index: number): string {
  const hash = Math.imul(index + 1, 0x9e3779b1) >>> 0
  const kind = kinds[hash % 3 === 0 ? 1 : (hash >>> 8) % kinds.length]
  return kind?.(index) ?? ''
}
