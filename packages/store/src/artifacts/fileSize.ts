import { stat } from "node:fs/promises"

/** In bytes; `null` where there is no file. Rejects with the file system's other errors. */
export const fileSize = (path: string): Promise<number | null> =>
  stat(path).then(
    ({ size }) => size,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return null
      throw error
    },
  )
