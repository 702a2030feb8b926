import { setTimeout as delay } from 'node:timers/promises'
import { toNotifyId } from '#schema/ids'
import { inviteAndJoin } from '../../support/invite.ts'
import type { Name, Person, SentMessage } from './people.ts'

export type People = Record<Name, Person>

export const launchRoom = 'launch-7k2m9q4x'
const quietRoom = 'quiet-3w8p5d1z'

export interface DemoHistory {
  thread: SentMessage
}

export async function writeHistory(people: People): Promise<DemoHistory> {
  await createRooms(people)
  await writeSmallTalk(people)
  await writeArabic(people)
  return writeEngineering(people)
}

export async function writeUnread({ bob, maya, tomas, li }: People): Promise<void> {
  await maya.send('design', 'New empty states are up, comments welcome 🎨')
  await li.send('design', 'Love the calm one with the kettle.')
  await tomas.send(
    'incidents',
    '@alice the alert from 14:02 is a false alarm, I have muted the check.',
  )
  await bob.send('random', 'Cake in the kitchen 🍰')
  const { room } = await maya.client.call('room.direct', { with: 'alice' })
  await maya.send(room.id, 'Do you have five minutes before the demo?')
}

async function createRooms(people: People) {
  const { alice } = people
  const rooms = [
    ['engineering', 'Engineering', 'public'],
    ['design', 'Design', 'public'],
    ['random', 'Random', 'public'],
    ['incidents', 'Incidents', 'public'],
    [launchRoom, 'Launch week', 'private'],
    ['beirut', 'مكتب بيروت', 'public'],
    [quietRoom, 'Quiet corner', 'private'],
  ] as const
  for (const [room, name, kind] of rooms)
    await alice.client.call('room.create', { room, name, kind })
  const { bob, maya } = people
  for (const [owner, room, name] of [
    [bob, 'release-notes', 'Release notes'],
    [maya, 'book-club', 'Book club'],
    [bob, 'climbing', 'Climbing on Tuesdays'],
  ] as const)
    await owner.client.call('room.create', { room, name, kind: 'public' })
  await alice.client.call('room.join', { room: 'release-notes' })
  const everyone = Object.entries(people) as [Name, Person][]
  // Wait until the server knows all users, because only known users can be invited.
  const userIds = everyone.map(([name]) => name)
  while ((await alice.client.call('users.names', { userIds })).users.length < userIds.length)
    await delay(50)
  for (const [name, { client }] of everyone) {
    for (const room of ['general', 'random', 'engineering', 'design', 'incidents', 'beirut'])
      await client.call('room.join', { room })
    if (name === 'alice') continue
    const clients = { inviter: alice.client, invitee: client }
    await inviteAndJoin({ room: launchRoom, userId: name, ...clients })
  }
}

async function writeSmallTalk({ alice, amira, bob, jonas, li, maya, tomas }: People) {
  await jonas.send('general', 'Good morning! The office is open again, and the heating works.')
  await amira.send('general', 'You are a hero ☀️')
  await bob.send('random', 'Who left the bicycle in the meeting room?')
  await tomas.send('incidents', 'All green since 9:00.')
  await bob.send('release-notes', 'Please add user-visible changes here, one line each.')
  await maya.send('design', 'The tokens for contrast are in: everything passes AA now.')
  await alice.send(launchRoom, 'Five days to go. The list is in the first thread.')
  for (const [other, text] of [
    [bob, 'I have pushed the fix, tests are green.'],
    [jonas, 'Lunch at 12:30?'],
    [li, '谢谢！我明天看一下。'],
    [maya, 'Sketches for the settings are in the room.'],
  ] as const) {
    const { room } = await other.client.call('room.direct', { with: 'alice' })
    await other.send(room.id, text)
  }
}

async function writeEngineering({
  alice,
  amira,
  bob,
  jonas,
  li,
  maya,
  tomas,
}: People): Promise<DemoHistory> {
  const room = 'engineering'
  await jonas.send(room, 'Morning. The staging cluster is on the new nats-server, three nodes.')
  await jonas.send(room, 'Nothing was lost in the roll: **0** of 48,211 messages. Numbers below.')
  const table = await jonas.send(
    room,
    [
      '| node | before | after |',
      '|---|--:|--:|',
      '| n1 | 2.11.4 | 2.12.1 |',
      '| n2 | 2.11.4 | 2.12.1 |',
      '| n3 | 2.11.4 | 2.12.1 |',
    ].join('\n'),
  )
  for (const person of [alice, amira, li, maya]) await person.react(table, '🎉')
  for (const person of [bob, tomas]) await person.react(table, '👀')
  const question = await li.send(
    room,
    'Why does `chat.sync` return `recovered: false` after a long night? I would expect the stream to have it all.',
  )
  await bob.reply(
    question,
    'It has. But past 1,000 events a fresh page is quicker than all of them.',
  )
  await li.reply(question, 'Makes sense. So the client reloads the history and keeps its drafts?')
  await bob.reply(question, 'Exactly. The send queue and the drafts stay local.')
  await amira.reply(question, 'Could we add that to the docs? I stumbled over it, too.')
  const last = await li.reply(question, 'On it ✍️')
  await bob.react(last, '🙏')
  await bob.send(room, 'This is the whole function, by the way:')
  const code = await bob.send(
    room,
    [
      '```ts',
      'export default defineFunction(roomJoin, async ({ room }, { caller, publish }) => {',
      '  const membership = { room, userId: caller }',
      '  const added = await db.insert(members).values(membership).onConflictDoNothing().returning()',
      '  if (added.length > 0) publish(roomJoined, { room }, membership) // only once',
      '  return { room, members: await listMembers(room) }',
      '})',
      '```',
    ].join('\n'),
  )
  for (const person of [alice, maya, jonas]) await person.react(code, '❤️')
  await maya.react(code, '🔥')
  const typo = await maya.send(room, 'Reads like a recipie.')
  await maya.client.call('msg.edit', { notifyId: toNotifyId(typo), text: 'Reads like a recipe.' })
  await tomas.send(
    room,
    '> Nothing was lost in the roll\n\n@jonas, did you look at the *slow consumers* as well? Two things I would check:\n\n1. the pending bytes of `fanout`\n2. the reconnects per minute, see [the dashboard](https://grafana.example/d/nats)',
  )
  const oops = await tomas.send(room, 'wrong room, sorry')
  await tomas.client.call('msg.delete', { notifyId: toNotifyId(oops) })
  await jonas.send(room, '@tomas both flat. I will keep an eye on them until Monday.')
  await alice.send(room, 'Great work, everyone. Let’s ship it on Thursday 🚢')
  return { thread: question }
}

async function writeArabic({ amira, alice, bob }: People) {
  await amira.send('beirut', 'صباح الخير جميعًا! الاجتماع الأسبوعي اليوم في الساعة الثالثة.')
  await amira.send(
    'beirut',
    'جدول الأعمال:\n\n1. إطلاق الإصدار الجديد\n2. ملاحظات العملاء\n3. موعد الرحلة',
  )
  const plan = await alice.send('beirut', 'شكرًا @amira، سأحضر العرض التقديمي معي.')
  await amira.react(plan, '👍')
  await bob.send('beirut', 'I will dial in from the train, the branch is `release/0.2`.')
  await amira.send('beirut', 'ممتاز، نلتقي هناك 👋')
}
