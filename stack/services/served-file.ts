import { realpath, stat } from 'node:fs/promises'
import { extname, join, sep } from 'node:path'

/** A file as one browser gets it. */
export interface ServedFile {
  path: string
  size: number
  contentType: string
  /** How it is compressed; not at all, where absent. */
  encoding?: string
  /** Whether there are compressed versions, so that what is sent depends on who asks. */
  hasEncodings: boolean
  etag: string
  /** Its name says what is in it: another content has another name. */
  isLasting: boolean
}

/** Only these are served: sources and notes in the folder stay where they are. */
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

/** What the build puts beside a file, the smaller first. */
const encodings = { br: '.br', gzip: '.gz' }

/**
 * A file below root, wherever links lead, in the smallest form that this browser takes; undefined for
 * what is not there or not to be served.
 */
export async function findFile(
  root: string,
  path: string,
  accepted = '',
): Promise<ServedFile | undefined> {
  const wanted = join(root, path.endsWith('/') ? `${path}index.html` : path)
  const contentType = contentTypes[extname(wanted)]
  if (!contentType || /(^|\/)\./.test(path)) return undefined
  const plain = await readPlain(root, wanted)
  if (!plain) return undefined

  const isLasting = path.startsWith('/assets/')
  let hasEncodings = false
  for (const [encoding, suffix] of Object.entries(encodings)) {
    const packed = await readPlain(root, wanted + suffix)
    if (!packed) continue
    hasEncodings = true
    if (takes(accepted, encoding))
      return { ...packed, contentType, encoding, hasEncodings, isLasting }
  }
  return { ...plain, contentType, hasEncodings, isLasting }
}

async function readPlain(root: string, wanted: string) {
  try {
    const path = await realpath(wanted)
    const { size, mtimeMs } = await stat(path)
    const etag = `"${size.toString(36)}-${Math.round(mtimeMs).toString(36)}"`
    return path.startsWith(root + sep) ? { path, size, etag } : undefined
  } catch {
    return undefined
  }
}

/** Whether `Accept-Encoding` names it, and not with `q=0`. */
function takes(accepted: string, encoding: string): boolean {
  return accepted
    .toLowerCase()
    .split(',')
    .map((part) => part.trim().split(/\s*;\s*/))
    .some(([name, quality]) => name === encoding && !/^q=0(\.0*)?$/.test(quality ?? ''))
}
