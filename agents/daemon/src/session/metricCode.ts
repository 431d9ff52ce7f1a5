// Python functions that a trial names as its metrics (`task_metrics: [/path/file.py:function]`): code that runs as the
// agent's user. Owns whether the agent's owner allows them: only in folders that `--allow-metrics` names, symbolic links
// followed.
import { realpathSync } from "node:fs"
import { sep } from "node:path"

const functionOf = /^(.+\.py):[A-Za-z_]\w*$/

const isBelow = (path: string, folder: string): boolean => path.startsWith(folder.endsWith(sep) ? folder : folder + sep)

const real = (path: string): string | undefined => {
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}

/** Files of code that the trial names and the owner has not allowed. */
export const forbiddenMetrics = (trialJson: string, allowed: ReadonlyArray<string>): ReadonlyArray<string> => {
  const { task_metrics: task } = JSON.parse(trialJson) as { readonly task_metrics?: { readonly metrics?: unknown } }
  const metrics: ReadonlyArray<unknown> = Array.isArray(task?.metrics) ? task.metrics : []
  const folders = allowed.flatMap((folder) => real(folder) ?? [])
  return metrics.flatMap((metric) => {
    const file = typeof metric === "string" ? functionOf.exec(metric)?.[1] : undefined
    if (file === undefined) return []
    const path = real(file)
    return path !== undefined && folders.some((folder) => isBelow(path, folder)) ? [] : [file]
  })
}
