import { spawn } from "node:child_process"
import { request } from "node:https"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { type AccessFile, readAccessFile } from "@sweep/access/AccessFile"
import { serverName } from "@sweep/domain/Role"
import { defaultWebPort } from "../../web/defaultWebPort.ts"
import { findCoordinator } from "../../serving/access.ts"
import { home, readNote } from "../../serving/home.ts"
import { badInput, deniedFailure, unavailable } from "../../exitCodes.ts"
import * as flags from "../../flags.ts"
import { print, printJson } from "../../output.ts"

const show = Flag.Boolean("print").pipe(
  Flag.withDescription("Only print the address, and start no browser"),
  Flag.withDefault(false),
)

/** Asks for a link that opens the page once. */
const linkFrom = (page: string, access: AccessFile) =>
  Effect.callback<string, ReturnType<typeof unavailable>>((resume) => {
    const failed = (message: string) =>
      resume(Effect.fail(unavailable(`the page at ${page} gives no link: ${message}`)))
    const url = new URL("/link", page)
    const call = request(
      url,
      {
        method: "POST",
        ca: access.ca,
        servername: serverName,
        headers: { authorization: `Bearer ${access.token}` },
        timeout: 10_000,
      },
      (response) => {
        let text = ""
        response.on("data", (chunk) => (text += String(chunk)))
        response.on("end", () => {
          try {
            const { path, message } = JSON.parse(text) as { readonly path?: string; readonly message?: string }
            if (path === undefined) {
              resume(Effect.fail(deniedFailure(message ?? `it answers with status ${response.statusCode}`)))
            } else resume(Effect.succeed(new URL(path, page).href))
          } catch {
            failed("this is not a page of sweep")
          }
        })
      },
    )
    call.once("timeout", () => call.destroy(new Error("no answer within 10 s")))
    call.once("error", (error) => failed(error.message)).end()
  })

/** Where there is a screen, with what the system opens addresses with. */
const launch = (address: string) =>
  Effect.sync(() => {
    const command = process.platform === "darwin" ? "open" : "xdg-open"
    const hasScreen = process.platform === "darwin" || process.env["DISPLAY"] || process.env["WAYLAND_DISPLAY"]
    if (!hasScreen || !process.stdout.isTTY) return
    const child = spawn(command, [address], { stdio: "ignore", detached: true })
    child.once("error", () => {})
    child.unref()
  })

export const open = Command.make(
  "open",
  { coordinator: flags.coordinator, webPort: flags.webPort, print: show, json: flags.json },
  ({ coordinator, webPort, print: only, json }) =>
    Effect.gen(function* () {
      const found = yield* findCoordinator(coordinator)
      if (found === undefined) {
        return yield* badInput("no coordinator runs here: start one with 'sweep serve', or name one with --coordinator")
      }
      const isNamed = Option.isSome(coordinator.address) || Boolean(process.env["SWEEP_COORDINATOR"])
      const own = isNamed ? undefined : readNote(yield* home)
      if (own !== undefined && own.page === undefined) {
        return yield* badInput("this coordinator serves no page: it was started with --no-web")
      }
      const { accessFile } = found
      const scheme = accessFile === undefined ? "http" : "https"
      const { host } = found.address
      const page =
        own?.page ??
        `${scheme}://${host.includes(":") ? `[${host}]` : host}:${Option.getOrElse(webPort, () => defaultWebPort)}/`
      const address =
        accessFile === undefined
          ? page
          : yield* linkFrom(
              page,
              yield* Effect.try({
                try: () => readAccessFile(accessFile),
                catch: (error) => deniedFailure((error as Error).message),
              }),
            )
      yield* json ? printJson({ page: address }) : print(address)
      if (!only && !json) yield* launch(address)
    }),
).pipe(
  Command.withDescription("Open the page of a coordinator in the browser, and print its address"),
  Command.withExamples([{ command: "sweep open", description: "Of the coordinator of this state directory" }]),
)
