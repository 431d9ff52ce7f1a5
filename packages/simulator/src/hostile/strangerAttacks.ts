// What somebody tries who reaches the port and has no good token: to get in, and to keep others out.
import { connect as connectTcp, type Socket } from "node:net"
import { connect as connectTls } from "node:tls"
import * as Effect from "effect/Effect"
import { serverName } from "@sweep/domain/Role"
import { apiOf, type Attack, type Outcome, refused, type Stage } from "./attack.ts"

const attack = (what: string, run: Attack["run"]): Attack => ({ who: "stranger", what, run })

/** Whether somebody with a token gets in while `sockets` are open. */
const others = (stage: Stage, sockets: ReadonlyArray<Socket>): Effect.Effect<Outcome, unknown> =>
  Effect.gen(function* () {
    const began = performance.now()
    const api = yield* apiOf(stage, "eve")
    yield* api.status
    const millis = performance.now() - began
    return millis < 5_000 ? null : `others got in after ${Math.round(millis)} ms`
  }).pipe(Effect.scoped, Effect.ensuring(Effect.sync(() => sockets.forEach((socket) => socket.destroy()))))

const opened = (stage: Stage, count: number, say: string | null): ReadonlyArray<Socket> =>
  Array.from({ length: count }, () => {
    const socket = connectTcp(stage.port, "127.0.0.1")
    socket.on("error", () => {})
    if (say !== null) socket.write(say)
    return socket
  })

/** What a TLS connection with these comes to, in a second. */
const handshake = (stage: Stage, options: object): Effect.Effect<Outcome> =>
  Effect.promise(
    () =>
      new Promise<Outcome>((resolve) => {
        const { ca } = stage.access("eve")
        const socket = connectTls({ host: "127.0.0.1", port: stage.port, ca, servername: serverName, ...options })
        // A server of TLS 1.3 refuses a client after the client's handshake is over: only a close says so.
        socket.once("secureConnect", () => socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
        const late = setTimeout(() => resolve("the connection was kept"), 15_000)
        socket
          .resume()
          .once("error", () => {})
          .once("close", () => {
            clearTimeout(late)
            resolve(null)
          })
      }),
  )

export const strangerAttacks: ReadonlyArray<Attack> = [
  attack("opens 1,500 connections and says nothing", (stage) => others(stage, opened(stage, 1_500, null))),
  attack("begins 500 handshakes and does not continue", (stage) =>
    others(stage, opened(stage, 500, "\x16\x03\x01\x02\x00")),
  ),
  attack("speaks plain text 300 times", (stage) =>
    others(stage, opened(stage, 300, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")),
  ),
  attack("comes without a certificate", (stage) => handshake(stage, {})),
  attack("comes with a certificate and stays silent", (stage) => {
    const { certificate: cert, key } = stage.access("eve")
    return handshake(stage, { cert, key })
  }),
  attack("uses a revoked token", (stage) =>
    Effect.gen(function* () {
      return yield* refused((yield* apiOf(stage, "former")).status, /was revoked/)
    }),
  ),
  attack("guesses a token", (stage) =>
    Effect.gen(function* () {
      const guess = `sweep_00000000_${"A".repeat(43)}`
      const api = yield* apiOf({ ...stage, access: () => ({ ...stage.access("eve"), token: guess }) }, "eve")
      return yield* refused(api.status, /does not know this token/)
    }),
  ),
]
