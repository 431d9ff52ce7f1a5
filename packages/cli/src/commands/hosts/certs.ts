import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { stateFailure } from "../../exitCodes.ts"
import * as flags from "../../flags.ts"
import { ensureHome, home } from "../../serving/home.ts"
import { print, printJson } from "../../output.ts"

const renew = Flag.Boolean("renew").pipe(
  Flag.withDescription("A new certificate for the coordinator, whatever is left of the old one"),
  Flag.withDefault(false),
)

export const certs = Command.make("certs", { renew, json: flags.json }, ({ renew, json }) =>
  Effect.gen(function* () {
    const { authorityFiles, makeCertificates } = yield* Effect.promise(() => import("@sweep/access/Authority"))
    const at = yield* home
    yield* ensureHome(at)
    const made = yield* Effect.tryPromise({
      try: () => makeCertificates(at.authority, renew),
      catch: (error) => stateFailure(`the certificates cannot be made: ${(error as Error).message}`),
    })
    if (json) return yield* printJson({ ...made, files: authorityFiles(at.authority) })
    yield* print(
      [
        `${at.authority}: authority ${made.authority}, the coordinator's certificate ${made.server}`,
        made.server === "renewed" ? "A running coordinator takes it up within seconds." : undefined,
        made.authority === "made" ? "Next: sweep tokens create gpu1 --role agent" : undefined,
      ]
        .filter((line) => line !== undefined)
        .join("\n"),
    )
  }),
).pipe(
  Command.withDescription(
    "Make the coordinator's private certificate authority and its certificate, or renew the one that ends soon",
  ),
  Command.withExamples([
    { command: "sweep certs", description: "Make what is missing, renew what ends within 30 days" },
    { command: "sweep certs --renew", description: "Renew it now; a running coordinator takes it up" },
  ]),
)
