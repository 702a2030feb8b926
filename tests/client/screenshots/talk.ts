import { setTimeout as delay } from 'node:timers/promises'
import { toNotifyId } from '#schema/ids'
import type { Name, Said, Speaker } from './people.ts'

export type Speakers = Record<Name, Speaker>

/** What the pictures need to know of it. */
export interface Talk {
  /** The message that a thread began with. */
  thread: Said
}

/** A week's end in a small company: everything is said through the functions, by those who are seen. */
export async function talk(people: Speakers): Promise<Talk> {
  await makeRooms(people)
  await chatter(people)
  await talkInArabic(people)
  return engineering(people)
}

/** What is said after alice has read all: it is unread. */
export async function talkOn({ bob, maya, tomas, li }: Speakers): Promise<void> {
  await maya.say('design', 'New empty states are up, comments welcome 🎨')
  await li.say('design', 'Love the calm one with the kettle.')
  await tomas.say(
    'incidents',
    '@alice the alert from 14:02 is a false alarm, I have muted the check.',
  )
  await bob.say('random', 'Cake in the kitchen 🍰')
  const { room } = await maya.client.call('room.direct', { with: 'alice' })
  await maya.say(room.id, 'Do you have five minutes before the demo?')
}

async function makeRooms(people: Speakers) {
  const { alice } = people
  const rooms = [
    ['engineering', 'Engineering', 'public'],
    ['design', 'Design', 'public'],
    ['incidents', 'Incidents', 'public'],
    ['launch', 'Launch week', 'private'],
    ['beirut', 'مكتب بيروت', 'public'],
    ['quiet', 'Quiet corner', 'private'],
  ] as const
  for (const [room, name, kind] of rooms)
    await alice.client.call('room.create', { room: room, name, kind })
  const { bob, maya } = people
  for (const [owner, room, name] of [
    [bob, 'release-notes', 'Release notes'],
    [maya, 'book-club', 'Book club'],
    [bob, 'climbing', 'Climbing on Tuesdays'],
  ] as const)
    await owner.client.call('room.create', { room: room, name, kind: 'public' })
  await alice.client.call('room.join', { room: 'release-notes' })
  const everyone = Object.entries(people) as [Name, Speaker][]
  // Nobody is asked in before the functions know that they have been here.
  const userIds = everyone.map(([name]) => name)
  while ((await alice.client.call('users.names', { userIds })).users.length < userIds.length)
    await delay(50)
  for (const [name, { client }] of everyone) {
    for (const room of ['general', 'random', 'engineering', 'design', 'incidents', 'beirut'])
      await client.call('room.join', { room: room })
    if (name !== 'alice') await alice.client.call('room.invite', { room: 'launch', userId: name })
  }
}

async function chatter({ alice, amira, bob, jonas, li, maya, tomas }: Speakers) {
  await jonas.say('general', 'Good morning! The office is open again, and the heating works.')
  await amira.say('general', 'You are a hero ☀️')
  await bob.say('random', 'Who left the bicycle in the meeting room?')
  await tomas.say('incidents', 'All green since 9:00.')
  await bob.say('release-notes', 'Please put here what a user notices, one line each.')
  await maya.say('design', 'The tokens for contrast are in: everything passes AA now.')
  await alice.say('launch', 'Five days to go. The list is in the first thread.')
  for (const [other, text] of [
    [bob, 'I have pushed the fix, tests are green.'],
    [jonas, 'Lunch at 12:30?'],
    [li, '谢谢！我明天看一下。'],
    [maya, 'Sketches for the settings are in the room.'],
  ] as const) {
    const { room } = await other.client.call('room.direct', { with: 'alice' })
    await other.say(room.id, text)
  }
}

async function engineering({ alice, amira, bob, jonas, li, maya, tomas }: Speakers): Promise<Talk> {
  const room = 'engineering'
  await jonas.say(room, 'Morning. The staging cluster is on the new nats-server, three nodes.')
  await jonas.say(room, 'Nothing was lost in the roll: **0** of 48,211 messages. Numbers below.')
  const table = await jonas.say(
    room,
    [
      '| node | before | after |',
      '|---|--:|--:|',
      '| n1 | 2.11.4 | 2.12.1 |',
      '| n2 | 2.11.4 | 2.12.1 |',
      '| n3 | 2.11.4 | 2.12.1 |',
    ].join('\n'),
  )
  for (const one of [alice, amira, li, maya]) await one.react(table, '🎉')
  for (const one of [bob, tomas]) await one.react(table, '👀')
  const question = await li.say(
    room,
    'Why does `chat.sync` answer `recovered: false` after a long night? I would expect the stream to have it all.',
  )
  await bob.reply(
    question,
    'It has. But past 1,000 events a fresh page is quicker than all of them.',
  )
  await li.reply(
    question,
    'Makes sense. So the client reads the history anew and keeps its drafts?',
  )
  await bob.reply(question, 'Exactly. Outbox and drafts are its own, nobody touches them.')
  await amira.reply(question, 'Could we say that in the docs? I stumbled over it, too.')
  const last = await li.reply(question, 'On it ✍️')
  await bob.react(last, '🙏')
  await bob.say(room, 'This is the whole function, by the way:')
  const code = await bob.say(
    room,
    [
      '```ts',
      'export default defineFunction(roomJoin, async ({ room }, { caller, publish }) => {',
      '  const mine = { room, userId: caller }',
      '  const added = await db.insert(members).values(mine).onConflictDoNothing().returning()',
      '  if (added.length > 0) publish(roomJoined, { room }, mine) // told once, however often',
      '  return { room, members: await listMembers(room) }',
      '})',
      '```',
    ].join('\n'),
  )
  for (const one of [alice, maya, jonas]) await one.react(code, '❤️')
  await maya.react(code, '🔥')
  const typo = await maya.say(room, 'Reads like a recipie.')
  await maya.client.call('msg.edit', { notifyId: toNotifyId(typo), text: 'Reads like a recipe.' })
  await tomas.say(
    room,
    '> Nothing was lost in the roll\n\n@jonas, did you look at the *slow consumers* as well? Two things I would check:\n\n1. the pending bytes of `fanout`\n2. the reconnects per minute, see [the dashboard](https://grafana.example/d/nats)',
  )
  const oops = await tomas.say(room, 'wrong room, sorry')
  await tomas.client.call('msg.delete', { notifyId: toNotifyId(oops) })
  await jonas.say(room, '@tomas both flat. I will keep an eye on them until Monday.')
  await alice.say(room, 'Lovely work, everybody. Let us ship it on Thursday 🚢')
  return { thread: question }
}

async function talkInArabic({ amira, alice, bob }: Speakers) {
  await amira.say('beirut', 'صباح الخير جميعًا! الاجتماع الأسبوعي اليوم في الساعة الثالثة.')
  await amira.say(
    'beirut',
    'جدول الأعمال:\n\n1. إطلاق الإصدار الجديد\n2. ملاحظات العملاء\n3. موعد الرحلة',
  )
  const plan = await alice.say('beirut', 'شكرًا @amira، سأحضر العرض التقديمي معي.')
  await amira.react(plan, '👍')
  await bob.say('beirut', 'I will dial in from the train, the branch is `release/0.2`.')
  await amira.say('beirut', 'ممتاز، نلتقي هناك 👋')
}
