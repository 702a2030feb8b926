import { cp, mkdtemp, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'

const root = join(import.meta.dirname, '..', '..')

/**
 * Copies the files of the project to a folder, in which a test may change them. Links node_modules.
 */
export async function copyProject(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `natter-${name}-`))
  const left = ['node_modules', '.git', '.natter', '.cache', 'dist']
  await cp(root, folder, {
    recursive: true,
    filter: (source) => !left.includes(relative(root, source)),
  })
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  return folder
}
