import { createContext } from 'solid-js'

/** The labels of buttons, images and tasks in message text. */
export interface TextWords {
  copy: string
  copied: string
  /** Label of a code block; `language` is empty if it is unknown. */
  code: (language: string) => string
  image: (host: string) => string
  loadImage: string
  /** The consequence of loading an image, shown as a tooltip. */
  imageHint: (host: string) => string
  imageFailed: string
  done: string
  toDo: string
}

const english: TextWords = {
  copy: 'Copy',
  copied: 'Copied',
  code: (language) => (language ? `Code, ${language}` : 'Code'),
  image: (host) => `Image: ${host}`,
  loadImage: 'Load image',
  imageHint: (host) => `${host} will see your IP address`,
  imageFailed: 'Couldn’t load this image.',
  done: 'Done',
  toDo: 'To do',
}

/** The labels in message text. The app provides them in the language of the page; English by default. */
export const TextWordsContext = createContext<() => TextWords>(() => english)
