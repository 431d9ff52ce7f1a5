// The shape of the model that a user names: a folder with a config.json, else a well-known model of the built-in table.
// Owns the reading and what is said when there is neither.
import { readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { type Architecture, fromConfig } from "@sweep/memory/Architecture"
import { knownArchitecture, knownModels } from "@sweep/memory/architectures"

export interface NamedArchitecture {
  /** A path, or the name in the table. */
  readonly name: string
  readonly architecture: Architecture
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true

/** A text says why there is none. */
export const modelArchitecture = (model: string): NamedArchitecture | string => {
  if (!isFolder(model)) {
    return (
      knownArchitecture(model) ??
      `'${model}' is neither a folder with a config.json nor a model of the built-in table. Download the model and name its folder, or take one of: ${knownModels.join(", ")}`
    )
  }
  const file = join(model, "config.json")
  let config: unknown
  try {
    config = JSON.parse(readFileSync(file, "utf8"))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === "ENOENT" ? `${model}: no config.json in this folder` : `${file}: not readable as JSON`
  }
  if (typeof config !== "object" || config === null || Array.isArray(config)) return `${file}: expected a JSON object`
  const read = fromConfig({ ...config })
  if (!("_tag" in read)) return { name: model, architecture: read }
  return read._tag === "MissingKey"
    ? `${file}: ${read.key} is missing or no positive integer`
    : `${file}: models of the kind '${read.kind}' are not estimated; expected a decoder such as Llama, Qwen, Mistral or Gemma`
}
