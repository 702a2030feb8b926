interface ModuleGraph {
  getModuleInfo(id: string): { importedIds: readonly string[] } | null
}

/**
 * Puts all static imports of `entry` in one chunk, because several chunks would compress worse. The
 * chunk includes the modules of the folder `theme`: their styles must come before those of the
 * components, which override them.
 */
export function firstLoad(entry: string, { name, theme }: { name: string; theme: string }) {
  let modules: ReadonlySet<string> | undefined
  return (id: string, graph: ModuleGraph): string | null => {
    modules ??= staticImportsOf(entry, graph)
    return modules.has(id) || id.startsWith(theme) ? name : null
  }
}

function staticImportsOf(entry: string, graph: ModuleGraph): Set<string> {
  const found = new Set<string>()
  const visit = (id: string) => {
    for (const imported of graph.getModuleInfo(id)?.importedIds ?? []) {
      if (found.has(imported)) continue
      found.add(imported)
      visit(imported)
    }
  }
  visit(entry)
  return found
}
