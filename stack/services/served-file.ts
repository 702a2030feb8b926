import { realpath, stat } from 'node:fs/promises'
import { extname, join, sep } from 'node:path'

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

/** Files with other extensions are not served. */
const contentTypes: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
}

/** The encodings of the compressed files that the build writes. Brotli is first, as it is smaller. */
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
  if (!contentType || /(^|\/)\./.test(path)) return undefined
  const plain = await readPlain(root, requested)
  if (!plain) return undefined

  const isImmutable = path.startsWith('/assets/') || isAppFile(path)
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

export function isAppFile(path: string): boolean {
  return /^\/apps\/[\w-]+\.js$/.test(path)
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
