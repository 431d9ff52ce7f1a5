import { X509Certificate } from "node:crypto"
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it, onTestFinished, vi } from "vitest"
import { serverName } from "@sweep/domain/Role"
import { readAccessFile } from "../src/AccessFile.ts"
import { authorityFiles, makeCertificates } from "../src/Authority.ts"
import { createOwnToken, createToken } from "../src/createToken.ts"
import { Tokens } from "../src/Tokens.ts"

const place = async () => {
  const directory = mkdtempSync(join(tmpdir(), "sweep-access-"))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const authority = join(directory, "tls")
  await makeCertificates(authority, false)
  const tokens = new Tokens(join(authority, "tokens.json"))
  const create = (name: string, role: "agent" | "submit" | "read" = "submit") =>
    createToken(tokens, { authority, name, role, file: join(directory, `${name}.json`) })
  return { directory, authority, tokens, create, files: authorityFiles(authority) }
}

const modeOf = (path: string) => statSync(path).mode & 0o777

describe("the authority", () => {
  it("signs one certificate for the coordinator, by a fixed name, that is good for a server only", async () => {
    const { files } = await place()
    const ca = new X509Certificate(readFileSync(files.ca))
    const server = new X509Certificate(readFileSync(files.server))
    expect(ca.ca).toBe(true)
    expect(server.ca).toBe(false)
    expect(server.verify(ca.publicKey)).toBe(true)
    expect(server.checkHost(serverName)).toBe(serverName)
    expect(server.checkHost("localhost")).toBeUndefined()
    // id-kp-serverAuth
    expect(server.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"])
  })

  it("keeps its files from everybody else, whatever the umask", async () => {
    const before = process.umask(0)
    onTestFinished(() => void process.umask(before))
    const { files, authority, create } = await place()
    const { file } = await create("ana")
    expect(modeOf(authority)).toBe(0o700)
    for (const path of [files.ca, files.caKey, files.server, file, join(authority, "tokens.json")]) {
      expect(modeOf(path)).toBe(0o600)
    }
  })

  it("is never made again; the coordinator's certificate is, when asked for or when it is gone", async () => {
    const { authority, files } = await place()
    const [ca, server] = [readFileSync(files.ca, "utf8"), readFileSync(files.server, "utf8")]
    expect(await makeCertificates(authority, false)).toEqual({ authority: "kept", server: "kept" })
    expect(readFileSync(files.server, "utf8")).toBe(server)
    expect(await makeCertificates(authority, true)).toEqual({ authority: "kept", server: "renewed" })
    expect(readFileSync(files.server, "utf8")).not.toBe(server)
    rmSync(files.server)
    expect(await makeCertificates(authority, false)).toEqual({ authority: "kept", server: "made" })
    expect(readFileSync(files.ca, "utf8")).toBe(ca)
  })
})

/** As if so many days had passed. */
const later = (days: number) => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + days * 86_400_000 })
  onTestFinished(() => void vi.useRealTimers())
}

describe("in time", () => {
  it("the coordinator's certificate is renewed by itself in its last month", async () => {
    const { authority } = await place()
    later(365)
    expect(await makeCertificates(authority, false)).toEqual({ authority: "kept", server: "kept" })
    later(5)
    expect(await makeCertificates(authority, false)).toEqual({ authority: "kept", server: "renewed" })
  })

  it("an access file whose certificate has ended says so, and since when", async () => {
    const { create } = await place()
    const { file } = await create("ana")
    later(396)
    expect(readAccessFile(file).name).toBe("ana")
    later(3)
    expect(() => readAccessFile(file)).toThrow(/its certificate ended on .*; ask for a new access file/)
  })
})

describe("tokens", () => {
  it("are kept as hashes: no file of the coordinator holds one", async () => {
    const { authority, create } = await place()
    const { file, id } = await create("ana")
    const { token } = readAccessFile(file)
    expect(token).toMatch(new RegExp(`^sweep_${id}_`))
    expect(readFileSync(join(authority, "tokens.json"), "utf8")).not.toContain(token.split("_").at(-1))
  })

  it("come with a certificate that names them and is good for a client only", async () => {
    const { create, files } = await place()
    const { file, id } = await create("ana")
    const certificate = new X509Certificate(readAccessFile(file).certificate)
    expect(certificate.subject).toBe(`CN=${id}`)
    expect(certificate.verify(new X509Certificate(readFileSync(files.ca)).publicKey)).toBe(true)
    // id-kp-clientAuth
    expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"])
  })

  it("that are made or revoked by another command count at once", async () => {
    const { authority, create } = await place()
    const serving = new Tokens(join(authority, "tokens.json"))
    expect(serving.list()).toEqual([])
    const { file } = await create("ana", "read")
    const { token } = readAccessFile(file)
    expect(serving.verify(token)).toMatchObject({ _tag: "Valid", record: { name: "ana", role: "read" } })
    new Tokens(join(authority, "tokens.json")).revoke("ana")
    expect(serving.verify(token)).toMatchObject({ _tag: "Revoked", record: { name: "ana" } })
  })

  it("differ in one letter and are not the same", async () => {
    const { create, tokens } = await place()
    const { token } = readAccessFile((await create("ana")).file)
    const other = token.slice(0, -1) + (token.endsWith("A") ? "B" : "A")
    expect(tokens.verify(other)).toEqual({ _tag: "Unknown" })
    expect(tokens.verify("")).toEqual({ _tag: "Unknown" })
    expect(tokens.verify(`${token} `)).toEqual({ _tag: "Unknown" })
  })

  it("have one name each while they are in use, and overwrite nothing", async () => {
    const { create, tokens } = await place()
    const { file } = await create("ana")
    await expect(create("ana")).rejects.toThrow(/exists already/)
    rmSync(file)
    await expect(create("ana")).rejects.toThrow(/named 'ana' already/)
    expect(existsSync(file)).toBe(false)
    tokens.revoke("ana")
    await create("ana")
    expect(tokens.list().map(({ name, revokedAt }) => [name, revokedAt === null])).toEqual([
      ["ana", false],
      ["ana", true],
    ])
    expect(() => tokens.revoke("bo")).toThrow(/no token in use is named 'bo'/)
  })

  it("of a damaged list let nobody in, with a sentence", async () => {
    const { authority, create, tokens } = await place()
    const { token } = readAccessFile((await create("ana")).file)
    for (const text of ["", "{", '{"tokens":[{}]}', "null"]) {
      writeFileSync(join(authority, "tokens.json"), text)
      expect(() => tokens.verify(token)).toThrow(/is damaged, so nobody is let in/)
    }
  })

  it("for the coordinator's own host are in no list and gone with it", async () => {
    const { directory, authority, tokens } = await place()
    const file = join(directory, "own.json")
    await createOwnToken(tokens, { authority, name: "this box", role: "submit", file })
    const { token } = readAccessFile(file)
    expect(tokens.verify(token)._tag).toBe("Valid")
    expect(tokens.list()).toEqual([])
    expect(new Tokens(join(authority, "tokens.json")).verify(token)._tag).toBe("Unknown")
  })
})

describe("an access file", () => {
  it("is refused when others can read it, and when it is not one", async () => {
    const { directory, create } = await place()
    const { file } = await create("ana")
    chmodSync(file, 0o644)
    expect(() => readAccessFile(file)).toThrow(/others on this machine can read.*chmod 600/)
    const other = join(directory, "other.json")
    writeFileSync(other, '{"token": "x"}', { mode: 0o600 })
    expect(() => readAccessFile(other)).toThrow(/not an access file/)
    expect(() => readAccessFile(join(directory, "none.json"))).toThrow(/none\.json: there is no such access file/)
  })
})
