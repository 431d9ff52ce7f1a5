import { tmpdir } from "node:os"
import { expect, it } from "vitest"
import { networkFileSystem } from "../src/duckdb/networkFileSystem.ts"

it("knows network file systems by the kernel's number, and takes any other for local", () => {
  expect(networkFileSystem("/x", () => 0x6969)).toBe("NFS")
  // 32 bits, which some kernels give with a sign.
  expect(networkFileSystem("/x", () => 0xff534d42 | 0)).toBe("CIFS")
  expect(networkFileSystem("/x", () => 0xef53)).toBeUndefined()
  expect(networkFileSystem("/does/not/exist")).toBeUndefined()
  expect(networkFileSystem(tmpdir())).toBeUndefined()
})
