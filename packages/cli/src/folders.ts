// Makes directories that a user named. Node's own `recursive` never returns where a parent exists and takes no
// directories (/proc), so each level is made by itself.
import { mkdirSync, statSync } from "node:fs"
import { dirname } from "node:path"

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true

/** Throws the operating system's error, with the path it is about. */
export const makeFolder = (path: string, mode?: number): void => {
  if (isFolder(path)) return
  const parent = dirname(path)
  if (parent !== path) makeFolder(parent, mode)
  try {
    mkdirSync(path, mode)
  } catch (error) {
    // Made by another process meanwhile.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST" || !isFolder(path)) throw error
  }
}
