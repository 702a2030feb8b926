import { readFileSync } from 'node:fs'

export type Environment = Readonly<Record<string, string | undefined>>

const suffix = '_FILE'

/**
 * Returns a copy of the variables. For each variable NAME_FILE, adds a variable NAME with the
 * content of that file. The file is read only when NAME is read, because NAME_FILE may be a
 * variable of another program. Reading NAME throws an Error if the file cannot be read or is empty,
 * or if `variables` contains NAME too.
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
      // Keeps the secret out of copies of the variables, which other processes may receive.
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
