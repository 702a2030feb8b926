import { globSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { build, type Plugin } from 'vite'
import solid from 'vite-plugin-solid'

const frame = join(import.meta.dirname, '..', 'apps', 'frame')

/**
 * Builds the apps `names` of a folder; by default, all. Each app becomes one file with three parts,
 * which run in this order in the app's frame: the prelude, which removes WebRTC; the frame's part of
 * the bridge between page and app; and the app's component.
 */
export async function buildApps(folder: string, outDir: string, names = ['[!_]*']): Promise<void> {
  const components = names.map((name) => `${name}/component.tsx`)
  for (const component of globSync(components, { cwd: folder }))
    await buildApp(basename(dirname(component)), join(folder, component), outDir)
}

async function buildApp(app: string, component: string, outDir: string) {
  await build({
    configFile: false,
    logLevel: 'error',
    publicDir: false,
    plugins: [solid(), entryOf(component), oneFile()],
    build: {
      outDir,
      emptyOutDir: false,
      target: 'es2023',
      assetsInlineLimit: Number.MAX_SAFE_INTEGER,
      modulePreload: false,
      rolldownOptions: {
        input: { [app]: entryId },
        output: { entryFileNames: '[name]-[hash].js', codeSplitting: false },
      },
    },
  })
}

const entryId = 'app-entry'

function entryOf(component: string): Plugin {
  const modules = [join(frame, 'prelude.ts'), join(frame, 'bridge.ts'), component]
  return {
    name: 'app-entry',
    resolveId: (id) => (id === entryId ? `\0${entryId}` : undefined),
    load: (id) =>
      id === `\0${entryId}`
        ? modules.map((module) => `import ${JSON.stringify(module)}`).join('\n')
        : undefined,
  }
}

/**
 * Fails the build if an app has a second file: code in an imported file would run before the prelude,
 * which removes WebRTC, and browsers would not check the integrity of that file.
 */
function oneFile(): Plugin {
  return {
    name: 'app-one-file',
    generateBundle(_options, bundle) {
      const files = Object.values(bundle)
      const [file] = files
      if (files.length === 1 && file?.type === 'chunk' && file.imports.length === 0) return
      const names = files.map(({ fileName }) => fileName).join(', ')
      this.error(`The component must become one file without imports, but became ${names}`)
    },
  }
}
