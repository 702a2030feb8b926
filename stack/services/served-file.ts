import { realpath, stat } from 'node:fs/promises'
import { extname, join, sep } from 'node:path'
import { contentTypes, hiddenPath, immutablePath } from './page-rules.ts'

export interface ServedFile {
  path: string
  size: number
  contentType: string
  encoding?: string
  /** Whether compressed versions exist, so that the response varies by `Accept-Encoding`. */
  hasEncodings: boolean
  etag: string
  /** Whether the file's name contains a hash of its content, so that the file never changes. */
  isImmutable: boolean
}

/** The compressed files that the build writes, by encoding. Brotli is preferred: it is smaller. */
const encodings = { br: '.br', gzip: '.gz' }

/**
 * Returns a file in the smallest encoding that the browser accepts. Returns undefined if the file does
 * not exist, is a hidden file, or is outside `root` after links are resolved.
 */
export async function findFile(
  root: string,
  path: string,
  accepted = '',
): Promise<ServedFile | undefined> {
  const requested = join(root, path.endsWith('/') ? `${path}index.html` : path)
  const contentType = contentTypes[extname(requested)]
  if (!contentType || hiddenPath.test(path)) return undefined
  const plain = await readPlain(root, requested)
  if (!plain) return undefined

  const isImmutable = immutablePath.test(path)
  let hasEncodings = false
  for (const [encoding, suffix] of Object.entries(encodings)) {
    const packed = await readPlain(root, requested + suffix)
    if (!packed) continue
    hasEncodings = true
    if (accepts(accepted, encoding))
      return { ...packed, contentType, encoding, hasEncodings, isImmutable }
  }
  return { ...plain, contentType, hasEncodings, isImmutable }
}

async function readPlain(folder: string, wanted: string) {
  try {
    const [root, path] = await Promise.all([realpath(folder), realpath(wanted)])
    const { size, mtimeMs } = await stat(path)
    const etag = `"${size.toString(36)}-${Math.round(mtimeMs).toString(36)}"`
    return path.startsWith(root + sep) ? { path, size, etag } : undefined
  } catch {
    return undefined
  }
}

function accepts(accepted: string, encoding: string): boolean {
  return accepted
    .toLowerCase()
    .split(',')
    .map((part) => part.trim().split(/\s*;\s*/))
    .some(([name, quality]) => name === encoding && !/^q=0(\.0*)?$/.test(quality ?? ''))
}
