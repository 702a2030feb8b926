import { readFileSync } from 'node:fs'

export type Environment = Readonly<Record<string, string | undefined>>

const suffix = '_FILE'

/**
 * Returns the variables. For each variable NAME_FILE, adds a variable NAME with the content of that
 * file. The file is only read when NAME is read, because variables of other programs may end in _FILE
 * too. Reading NAME throws an Error if the file cannot be read or is empty, or if NAME itself is set.
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
