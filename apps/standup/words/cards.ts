type Language = 'en' | 'de' | 'zh' | 'ar'

const opened: Record<Language, (time: string) => string> = {
  en: (time) => `Time for the standup! Answer by ${time}.`,
  de: (time) => `Zeit für das Standup! Antworte bis ${time}.`,
  zh: (time) => `站会开始了！请在 ${time} 前回答。`,
  ar: (time) => `حان وقت الاجتماع اليومي! أجب قبل ${time}.`,
}

interface Counts {
  answered: number
  members: number
}

const closed: Record<Language, (day: string, answered: string, members: string) => string> = {
  en: (day, answered, members) => `Standup of ${day}: ${answered} of ${members} answered.`,
  de: (day, answered, members) =>
    `Standup vom ${day}: ${answered} von ${members} haben geantwortet.`,
  zh: (day, answered, members) => `${day}站会：${members} 人中有 ${answered} 人已回答。`,
  ar: (day, answered, members) => `الاجتماع اليومي، ${day}: أجاب ${answered} من ${members}.`,
}

/** Returns the message that announces that a standup is open. */
export function openedCard(closesAt: Date, timeZone: string) {
  return inEachLanguage((language) => {
    const format = { timeZone, hour: 'numeric', minute: '2-digit', timeZoneName: 'short' } as const
    return opened[language](new Intl.DateTimeFormat(language, format).format(closesAt))
  })
}

/** Returns the message that announces the end of a standup. A click on it opens the summary. */
export function closedCard(day: string, { answered, members }: Counts) {
  return inEachLanguage((language) => {
    const format = { timeZone: 'UTC', dateStyle: 'long' } as const
    const date = new Intl.DateTimeFormat(language, format).format(new Date(day))
    const number = new Intl.NumberFormat(language)
    return closed[language](date, number.format(answered), number.format(members))
  })
}

function inEachLanguage(textOf: (language: Language) => string): Record<Language, string> {
  return { en: textOf('en'), de: textOf('de'), zh: textOf('zh'), ar: textOf('ar') }
}
