import { readFileSync } from 'node:fs'

export type Environment = Readonly<Record<string, string | undefined>>

const suffix = '_FILE'

/**
 * Returns the variables, where NAME_FILE stands for a variable NAME with the content of this file. A file is
 * read when NAME is read, because other programs have variables that end in _FILE too. This throws an Error
 * if the file cannot be read or is empty, or if NAME is set as well.
 */
export function readEnvironment(variables: Environment): Environment {
  const environment = { ...variables }
  for (const [fileVariable, path] of Object.entries(variables)) {
    const name = fileVariable.slice(0, -suffix.length)
    if (!fileVariable.endsWith(suffix) || name === '' || !path) continue
    const value = variables[name]
    Object.defineProperty(environment, name, {
      get() {
        if (value) throw new Error(`${name} and ${fileVariable} are both set: unset one of them`)
        return readSecret(fileVariable, path)
      },
      // A copy of the variables for another process must not contain the secrets.
      enumerable: false,
    })
  }
  return environment
}

function readSecret(fileVariable: string, path: string): string {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new Error(`${fileVariable} is "${path}", which cannot be read: ${code}`, { cause })
  }
  const secret = text.replace(/[\r\n]+$/, '')
  if (secret === '') throw new Error(`${fileVariable} is "${path}", which is empty`)
  return secret
}
