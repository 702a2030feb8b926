/** The name is written between colons; spaces separate the search words. */
export type NamedEmoji = readonly [emoji: string, name: string, words: string]

export const emojiGroups = [
  'faces',
  'people',
  'nature',
  'food',
  'doing',
  'things',
  'signs',
] as const
export type EmojiGroup = (typeof emojiGroups)[number]

const linesByGroup: Record<EmojiGroup, string> = {
  faces: `
😀 grinning happy smile
😄 smile happy laugh
😁 grin happy teeth
😅 sweat_smile relief nervous
😂 joy laugh tears
🤣 rofl laugh floor
🙂 slightly_smiling_face fine
🙃 upside_down_face silly irony
😉 wink
😊 blush happy pleased
😇 innocent angel halo
🥰 smiling_face_with_hearts love
😍 heart_eyes love
😘 kissing_heart kiss
😋 yum tasty
😜 stuck_out_tongue_winking_eye joke
🤪 zany_face crazy
🤓 nerd_face geek
😎 sunglasses cool
🥳 partying_face party birthday
🤩 star_struck wow
🤗 hugs hug
🤔 thinking hmm
🤨 raised_eyebrow doubt
😐 neutral_face meh
😑 expressionless
😶 no_mouth silent
🙄 roll_eyes
😏 smirk
😬 grimacing awkward
😌 relieved calm
😔 pensive sad
😴 sleeping tired zzz
🥱 yawning_face tired
😷 mask ill
🤒 face_with_thermometer ill sick
🤕 face_with_head_bandage hurt
🤯 exploding_head mind blown
🥵 hot_face heat
🥶 cold_face freezing
😵 dizzy_face
🤠 cowboy_hat_face
😕 confused
😟 worried
🙁 slightly_frowning_face sad
😮 open_mouth wow surprised
😲 astonished surprised
😳 flushed embarrassed
🥺 pleading_face please
😢 cry sad tear
😭 sob cry tears
😱 scream fear
😤 triumph steam
😡 rage angry
🤬 cursing_face swear
😈 smiling_imp devil
💀 skull dead
💩 poop
🤡 clown_face
👻 ghost halloween
👽 alien
🤖 robot bot
😺 smiley_cat
🙈 see_no_evil monkey
🙉 hear_no_evil monkey
🙊 speak_no_evil monkey`,
  people: `
👍 +1 thumbsup yes good like
👎 -1 thumbsdown no bad
👌 ok_hand perfect
✌️ v peace victory
🤞 crossed_fingers luck hope
🤘 metal rock
🤙 call_me_hand
👈 point_left
👉 point_right
👆 point_up_2 up
👇 point_down
👋 wave hello bye
🤚 raised_back_of_hand
✋ raised_hand stop high five
🖖 vulcan_salute spock
👏 clap applause bravo
🙌 raised_hands hooray
🙏 pray thanks please
🤝 handshake deal
💪 muscle strong
✍️ writing_hand write
👀 eyes look seen
🧠 brain think
🤷 shrug dunno
🤦 facepalm
🙋 raising_hand me
🙇 bow sorry
💁 tipping_hand_person
🏃 runner run hurry
💃 dancer dance
🧑‍💻 technologist code work
🥷 ninja
🧙 mage wizard
🦸 superhero hero
👶 baby
❤️ heart love red
🧡 orange_heart
💛 yellow_heart
💚 green_heart
💙 blue_heart
💜 purple_heart
🖤 black_heart
🤍 white_heart
💔 broken_heart
💯 100 hundred perfect`,
  nature: `
🐶 dog
🐱 cat
🦊 fox_face
🐻 bear
🐼 panda_face
🦁 lion
🐸 frog
🐵 monkey_face
🐔 chicken
🐧 penguin
🐦 bird
🦉 owl
🦄 unicorn
🐝 bee bug
🐛 bug insect
🦋 butterfly
🐌 snail slow
🐢 turtle slow
🐍 snake python
🐙 octopus
🐳 whale docker
🐬 dolphin
🐟 fish
🐘 elephant postgres
🦀 crab rust
🌵 cactus
🌲 evergreen_tree
🍀 four_leaf_clover luck
🌸 cherry_blossom flower
🌻 sunflower
🍂 fallen_leaf autumn
☀️ sunny sun weather
🌙 crescent_moon night
⭐ star
🌈 rainbow
☁️ cloud weather
🌧️ rain_cloud weather
⚡ zap lightning fast
❄️ snowflake cold winter
🔥 fire hot lit
🌊 ocean wave sea
🌍 earth_africa world globe`,
  food: `
🍎 apple
🍋 lemon
🍌 banana
🍓 strawberry
🍇 grapes
🍑 peach
🥑 avocado
🌶️ hot_pepper spicy
🥦 broccoli
🍞 bread
🥐 croissant
🥨 pretzel
🧀 cheese
🥚 egg
🍔 hamburger burger
🍟 fries
🍕 pizza
🌮 taco
🍜 ramen noodles
🍣 sushi
🍰 cake
🎂 birthday cake
🍪 cookie
🍩 doughnut donut
🍫 chocolate_bar
🍿 popcorn
☕ coffee
🍵 tea
🍺 beer
🍻 beers cheers
🍷 wine_glass
🥂 clinking_glasses cheers
🍾 champagne celebrate`,
  doing: `
🎉 tada party celebrate hooray
🎊 confetti_ball party
🎈 balloon party
🎁 gift present
🎄 christmas_tree
🏆 trophy win
🥇 1st_place_medal gold
🎯 dart target goal
⚽ soccer football
🏀 basketball
🎾 tennis
🎮 video_game play
🎲 game_die dice chance
🧩 jigsaw puzzle piece
🎨 art paint design
🎵 musical_note music
🎸 guitar
🎤 microphone sing
🎬 clapper film movie
🚀 rocket ship launch deploy
✈️ airplane travel flight
🚂 steam_locomotive train
🚗 car
🚲 bike bicycle
⛵ sailboat
🚢 ship boat
🏠 house home
🏢 office building work
🏖️ beach_umbrella holiday vacation
⛰️ mountain
🗺️ world_map
🚧 construction wip`,
  things: `
💻 computer laptop
🖥️ desktop_computer
⌨️ keyboard
📱 iphone phone mobile
📷 camera photo
📞 telephone_receiver call
💡 bulb idea light
🔦 flashlight
📚 books read docs
📖 book read
📝 memo note write
✏️ pencil2 edit
📌 pushpin pin
📎 paperclip attach
📅 date calendar
📈 chart_with_upwards_trend up growth
📉 chart_with_downwards_trend down
📊 bar_chart statistics
📦 package box
📬 mailbox_with_mail
✉️ envelope mail
📢 loudspeaker announce
🔔 bell notify
🔕 no_bell mute
🔍 mag search find
🔒 lock secure
🔓 unlock open
🔑 key
🔧 wrench fix tool
🔨 hammer build tool
⚙️ gear settings
🧪 test_tube test science
🧹 broom clean
🗑️ wastebasket trash delete
⏰ alarm_clock time
⏳ hourglass_flowing_sand wait
💰 moneybag money
💣 bomb
🛟 ring_buoy help rescue
🩹 adhesive_bandage patch fix
👓 eyeglasses
🧦 socks`,
  signs: `
✅ white_check_mark done yes ok
☑️ ballot_box_with_check done
✔️ heavy_check_mark done
❌ x no wrong
⛔ no_entry stop
🚫 no_entry_sign forbidden
⚠️ warning careful
❗ exclamation important
❓ question
‼️ bangbang
💤 zzz sleep
💥 boom collision
💫 dizzy
✨ sparkles new shiny
💬 speech_balloon comment talk
💭 thought_balloon think
➕ heavy_plus_sign add
➖ heavy_minus_sign
➡️ arrow_right
⬅️ arrow_left
⬆️ arrow_up
⬇️ arrow_down
🔄 arrows_counterclockwise refresh
🔁 repeat again
🆕 new
🆗 ok
🆘 sos help
♻️ recycle
🔴 red_circle
🟡 yellow_circle
🟢 green_circle
🔵 large_blue_circle
🏁 checkered_flag finish
🚩 triangular_flag_on_post flag
🏳️‍🌈 rainbow_flag pride`,
}

const byGroup = new Map(
  emojiGroups.map((group) => [group, linesByGroup[group].trim().split('\n').map(readLine)]),
)

export function emojiOf(group: EmojiGroup): readonly NamedEmoji[] {
  return byGroup.get(group) ?? []
}

function readLine(line: string): NamedEmoji {
  const [emoji = '', name = '', ...words] = line.split(' ')
  return [emoji, name, words.join(' ')]
}

const all = emojiGroups.flatMap(emojiOf)
const names = new Map(all.map(([emoji, name]) => [emoji, name]))

export function nameOfEmoji(emoji: string): string {
  return names.get(emoji) ?? emoji
}

/** Names that start with the text come first. With a closing colon, only the exact name matches. */
export function findEmoji(text: string, limit: number): readonly NamedEmoji[] {
  const query = text.toLowerCase()
  if (query.endsWith(':')) return all.filter(([, name]) => `${name}:` === query).slice(0, 1)
  const byName = all.filter(([, name]) => name.startsWith(query))
  const byWord = all.filter(([, name, words]) =>
    `${name.replaceAll('_', ' ')} ${words}`.split(' ').some((word) => word.startsWith(query)),
  )
  return [...new Set([...byName, ...byWord])].slice(0, limit)
}
