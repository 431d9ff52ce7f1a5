// Who a coordinator lets in: the tokens of its state directory, each only together with the certificate made for it. Owns
// the sentences a caller reads when the answer is no.
import * as Effect from "effect/Effect"
import { includes } from "@sweep/domain/Role"
import type { Tokens } from "@sweep/access/Tokens"
import { Denied, type Gate } from "@sweep/grpc/Gate"

const unauthenticated = (message: string) => new Denied({ reason: "unauthenticated", message })

/** Nobody is let in on a list that cannot be read. */
const unreadable = (error: unknown) =>
  Effect.andThen(
    Effect.logError(error instanceof Error ? error.message : String(error)),
    unauthenticated("the coordinator cannot read its list of tokens; its log says more"),
  )

export const gateOf = (tokens: Tokens): Gate => ({
  admit: (shown, needed) =>
    Effect.gen(function* () {
      if (shown.token === undefined) {
        return yield* unauthenticated(
          "this coordinator asks for a token: name your access file with --access FILE or SWEEP_ACCESS",
        )
      }
      const { token } = shown
      const verdict = yield* Effect.catch(
        Effect.try(() => tokens.verify(token)),
        ({ cause }) => unreadable(cause),
      )
      if (verdict._tag === "Unknown") {
        return yield* unauthenticated("the coordinator does not know this token; ask its owner for a new access file")
      }
      const { record } = verdict
      if (shown.certificate !== record.id) {
        return yield* unauthenticated(
          "the token and the certificate do not belong together; use the access file as it was made",
        )
      }
      if (verdict._tag === "Revoked") {
        return yield* unauthenticated(
          `the token '${record.name}' was revoked on ${new Date(record.revokedAt ?? 0).toISOString().slice(0, 10)}; ask the coordinator's owner for a new access file`,
        )
      }
      if (includes(record.role, needed)) {
        return {
          name: record.name,
          token: record.id,
          speaksFor: (agent) => tokens.speaksFor(record, agent),
          agents:
            record.agent === undefined
              ? "every agent that no other token is bound to"
              : record.agent.endsWith("*")
                ? `agents whose ids begin with ${record.agent.slice(0, -1)}`
                : `agent ${record.agent}`,
        }
      }
      return yield* new Denied({
        caller: record.name,
        reason: "role",
        message: `the token '${record.name}' has the role ${record.role}, and this needs ${needed}; the coordinator's owner makes one with: sweep tokens create NAME --role ${needed}`,
      })
    }),
})
