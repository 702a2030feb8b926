import { createContext } from 'solid-js'

/** What is said around the text of messages. */
export interface TextWords {
  copy: string
  copied: string
  /** What code is called; with an empty language if nobody said which. */
  code: (language: string) => string
  image: (host: string) => string
  loadImage: string
  /** What becomes of loading it. */
  imageHint: (host: string) => string
  imageFailed: string
  done: string
  open: string
}

const english: TextWords = {
  copy: 'Copy',
  copied: 'Copied',
  code: (language) => (language ? `Code, ${language}` : 'Code'),
  image: (host) => `Image: ${host}`,
  loadImage: 'Load image',
  imageHint: (host) => `${host} will see your network address`,
  imageFailed: 'It could not be loaded.',
  done: 'Done',
  open: 'To do',
}

/** Provided once, around everything, by a page in another language. */
export const TextWordsContext = createContext<() => TextWords>(() => english)
