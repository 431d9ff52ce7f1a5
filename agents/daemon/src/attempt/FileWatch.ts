// How the agent learns that a file of an attempt grew: the kernel tells at once, and where it cannot (a network file
// system) a look now and then has to do. Owns the two; a simulation gives its own.
import { watch } from "node:fs"
import * as Context from "effect/Context"

export const FileWatch = Context.Reference<{
  /** Calls `changed` for every change in the directory until it is closed; `undefined` where it cannot be watched. */
  readonly watch: (directory: string, changed: () => void) => { readonly close: () => void } | undefined
  /** Milliseconds between two looks without being told. */
  readonly lookMillis: number
}>("@sweep/daemon/FileWatch", {
  defaultValue: () => ({
    lookMillis: 100,
    watch: (directory, changed) => {
      try {
        const watcher = watch(directory, changed)
        // The directory may be removed under it; the looking continues.
        watcher.on("error", () => watcher.close())
        return watcher
      } catch {
        // The system's limit of watches is reached.
        return undefined
      }
    },
  }),
})
