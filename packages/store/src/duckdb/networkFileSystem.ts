// Whether a folder lies on a network file system, where a lock may not hold and a write that was confirmed may be lost.
import { statfsSync } from "node:fs"

/** By the kernel's number for the type (statfs(2), linux/magic.h). */
const names: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB"],
  [0xc36400, "Ceph"],
  [0x0bd00bd0, "Lustre"],
  [0x01021997, "9P"],
  [0x5346414f, "AFS"],
])

/** What it is called; `undefined` for any other, and where it cannot be told. */
export const networkFileSystem = (
  directory: string,
  typeOf: (directory: string) => number = (path) => statfsSync(path).type,
): string | undefined => {
  try {
    return names.get(typeOf(directory) >>> 0)
  } catch {
    return undefined
  }
}
