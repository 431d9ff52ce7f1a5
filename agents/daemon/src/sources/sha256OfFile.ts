import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"

/** SHA-256 in lower-case hexadecimal. Rejects with the file system's error. */
export const sha256OfFile = async (path: string): Promise<string> => {
  const hash = createHash("sha256")
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer)
  return hash.digest("hex")
}
