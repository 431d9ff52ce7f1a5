import { mkdtempSync, rmSync } from "node:fs"
import { request } from "node:http"
import { request as requestSecurely } from "node:https"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { describe, expect, it, onTestFinished } from "vitest"
import { authorityFiles, makeCertificates } from "@sweep/access/Authority"
import { makeToken, recordOf, Tokens } from "@sweep/access/Tokens"
import { Audit, type AuditEntry } from "@sweep/protocol/Audit"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { type ServePage, servePage } from "../src/web/servePage.ts"
import { exampleView } from "./exampleView.ts"

const { sweep } = exampleView

interface Ask {
  readonly method?: string
  readonly path?: string
  readonly headers?: Record<string, string>
  readonly body?: unknown
}

/** With headers as they are given, which fetch would not send. The first bytes of an answer that does not end are enough. */
const asker =
  (page: string) =>
  ({ method = "GET", path = "/", headers = {}, body }: Ask = {}) =>
    new Promise<{ status: number; text: string; headers: NodeJS.Dict<string | ReadonlyArray<string>> }>(
      (resolve, reject) => {
        const url = new URL(path, page)
        const make = url.protocol === "https:" ? requestSecurely : request
        const call = make(url, { method, headers, rejectUnauthorized: false }, (response) => {
          let text = ""
          const done = () => resolve({ status: response.statusCode!, text, headers: response.headers })
          response.on("data", (chunk) => {
            text += String(chunk)
            if (response.headers["content-type"] !== "text/event-stream" || !text.includes("event: all")) return
            done()
            call.destroy()
          })
          response.on("end", done)
        })
        call.once("error", reject).end(body === undefined ? undefined : JSON.stringify(body))
      },
    )

const serving = (
  options: Omit<ServePage, "host" | "port">,
  use: (seen: {
    readonly page: string
    readonly ask: ReturnType<typeof asker>
    readonly acted: ReadonlyArray<unknown>
    readonly audited: ReadonlyArray<AuditEntry>
  }) => Promise<void>,
) => {
  const acted: Array<unknown> = []
  const audited: Array<AuditEntry> = []
  const api = {
    status: Effect.succeed({ version: "1", pid: 1, home: "/", agents: [] }),
    list: Effect.succeed([sweep]),
    control: (...asked: ReadonlyArray<unknown>) => Effect.sync(() => void acted.push(asked)),
  } as unknown as SweepApi["Service"]
  return Effect.runPromise(
    servePage({ host: "127.0.0.1", port: 0, ...options }).pipe(
      Effect.flatMap((page) => Effect.promise(() => use({ page, ask: asker(page), acted, audited }))),
      Effect.scoped,
      Effect.provide(Layer.succeed(SweepApi, api)),
      Effect.provideService(Audit, { record: (entry) => void audited.push(entry) }),
    ),
  )
}

const stop = { method: "POST", path: `/api/sweeps/${sweep.id}/control`, body: { action: "stop", trial: null } }
const typed = { "content-type": "application/json" }

describe("the page of a coordinator on loopback", () => {
  it("comes with a policy that runs no script but its own, and asks no other host", () =>
    serving({}, async ({ ask }) => {
      const { status, headers, text } = await ask()
      expect(status).toBe(200)
      expect(headers["content-security-policy"]).toMatch(/default-src 'none'; script-src 'self'; style-src 'self';/)
      expect(headers["access-control-allow-origin"]).toBeUndefined()
      expect(text).not.toMatch(/https?:/)
      expect((await ask({ path: "/api/events" })).text).toContain(sweep.id)
    }))

  it("does what a page of its own asks, and writes down who asked", () =>
    serving({}, async ({ page, ask, acted, audited }) => {
      const origin = new URL(page).origin
      expect((await ask({ ...stop, headers: { ...typed, origin } })).status).toBe(200)
      expect(acted).toEqual([[sweep.id, null, "stop", { _tag: "FromPage" }]])
      expect(audited).toMatchObject([{ what: "page control", refused: null }])
      const wrong = await ask({ ...stop, body: { action: "burn", trial: null }, headers: { ...typed, origin } })
      expect(wrong.status).toBe(400)
      expect((await ask({ ...stop, headers: { origin } })).status).toBe(415)
      expect(acted).toHaveLength(1)
    }))

  it("refuses a name that was made to point here, another page, and an action that names no page", () =>
    serving({}, async ({ page, ask, acted }) => {
      const { port } = new URL(page)
      for (const path of ["/", "/live.js", "/api/events"]) {
        expect((await ask({ path, headers: { host: `evil.example:${port}` } })).status).toBe(421)
        expect((await ask({ path, headers: { host: "127.0.0.1:1" } })).status).toBe(421)
        expect((await ask({ path, headers: { origin: "https://evil.example" } })).status).toBe(403)
        expect((await ask({ path, headers: { origin: "null" } })).status).toBe(403)
        expect(
          (await ask({ path, headers: { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" } })).status,
        ).toBe(403)
      }
      for (const headers of [typed, { ...typed, origin: "http://localhost:1" }, { ...typed, origin: "null" }]) {
        expect((await ask({ ...stop, headers })).status).toBe(403)
      }
      expect(acted).toEqual([])
    }))
})

describe("the page of a coordinator with tokens", () => {
  const secured = async () => {
    const directory = mkdtempSync(join(tmpdir(), "sweep-page-"))
    onTestFinished(() => rmSync(directory, { recursive: true }))
    await makeCertificates(directory, false)
    const tokens = new Tokens(join(directory, "tokens.json"))
    const token = (name: string, role: "read" | "submit" | "agent") => {
      const made = makeToken()
      tokens.add(recordOf(made, { name, role, file: "" }))
      return made.token
    }
    const given = { ana: token("ana", "read"), me: token("me", "submit"), box: token("box", "agent") }
    return { given, tokens, options: { secured: { tokens, directory, certificate: authorityFiles(directory).server } } }
  }
  const cookieFor = async (ask: ReturnType<typeof asker>, token: string) => {
    const link = await ask({ method: "POST", path: "/link", headers: { authorization: `Bearer ${token}` } })
    const { path } = JSON.parse(link.text) as { readonly path: string }
    const opened = await ask({ path })
    expect(opened.status).toBe(303)
    const cookie = String(opened.headers["set-cookie"])
    expect(cookie).toMatch(/^__Host-sweep=\S+; Path=\/; Max-Age=\d+; Secure; HttpOnly; SameSite=Strict$/)
    // Once.
    expect((await ask({ path })).status).toBe(403)
    return cookie.split(";")[0]!
  }

  it("tells a stranger nothing, and gives a link to nobody but whoever may look", async () => {
    const { given, options } = await secured()
    await serving(options, async ({ page, ask, acted }) => {
      const { origin } = new URL(page)
      expect((await ask({ path: "/api/events" })).status).toBe(401)
      expect((await ask({ path: "/api/events", headers: { cookie: "__Host-sweep=a.9999999999999.b" } })).status).toBe(
        401,
      )
      expect((await ask({ ...stop, headers: { ...typed, origin } })).status).toBe(401)
      expect((await ask({ path: "/open/abc" })).status).toBe(403)
      for (const [token, status] of [
        ["sweep_wrong", 401],
        [given.box, 403],
      ] as const) {
        const link = await ask({ method: "POST", path: "/link", headers: { authorization: `Bearer ${token}` } })
        expect(link.status).toBe(status)
      }
      expect(acted).toEqual([])
    })
  })

  it("lets a viewer look and not act, a submitter act, and nobody whose token was revoked", async () => {
    const { given, tokens, options } = await secured()
    let ana = ""
    await serving(options, async ({ page, ask, acted, audited }) => {
      const { origin } = new URL(page)
      ana = await cookieFor(ask, given.ana)
      expect((await ask({ path: "/api/events", headers: { cookie: ana } })).text).toContain('"role":"read"')
      const refused = await ask({ ...stop, headers: { ...typed, origin, cookie: ana } })
      expect(refused.status).toBe(403)
      expect(audited).toMatchObject([{ caller: { name: "ana" }, refused: expect.stringMatching(/has the role read/) }])
      expect(acted).toEqual([])

      const me = await cookieFor(ask, given.me)
      expect((await ask({ ...stop, headers: { ...typed, origin, cookie: me } })).status).toBe(200)
      expect((await ask({ ...stop, headers: { ...typed, origin: "https://evil.example", cookie: me } })).status).toBe(
        403,
      )
      expect(acted).toHaveLength(1)
      tokens.revoke("me")
      expect((await ask({ path: "/api/events", headers: { cookie: me } })).status).toBe(401)
    })
    // Another process of the coordinator knows the cookie.
    await serving(options, async ({ ask }) => {
      expect((await ask({ path: "/api/events", headers: { cookie: ana } })).status).toBe(200)
    })
  })
})
