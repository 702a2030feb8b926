import { createContext } from 'solid-js'

export interface TextWords {
  copy: string
  copied: string
  code: (language: string) => string
  image: (host: string) => string
  loadImage: string
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

export const TextWordsContext = createContext<() => TextWords>(() => english)
