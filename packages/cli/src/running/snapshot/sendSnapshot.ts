// Sends a source snapshot to the coordinator before its sweep is submitted: only the files that are missing there, small
// ones many to a message, from where an earlier try broke off. Owns that transfer.
import { type FileHandle, open } from "node:fs/promises"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { pieceBytes } from "@sweep/protocol/ArtifactExchange"
import {
  isUnreachable,
  mostOffered,
  Refused,
  type SourceContent,
  type SourcePiece,
  SweepApi,
} from "@sweep/protocol/SweepApi"
import { badInput } from "../../exitCodes.ts"
import type { TakenSnapshot } from "./takeSnapshot.ts"

export interface Sent {
  readonly files: number
  readonly bytes: number
}

/** Times that it is offered again when the coordinator has something else than was sent. */
const mostOffers = 4
const away = { times: 15, schedule: Schedule.spaced("2 seconds"), while: isUnreachable }

const readPiece = async (handle: FileHandle, offset: number, length: number): Promise<Uint8Array> => {
  const data = Buffer.alloc(length)
  let read = 0
  while (read < length) {
    const { bytesRead } = await handle.read(data, read, length - read, offset + read)
    if (bytesRead === 0) break
    read += bytesRead
  }
  return data.subarray(0, read)
}

export const sendSnapshot = Effect.fn("sendSnapshot")(function* ({ snapshot, manifest, places }: TakenSnapshot) {
  const api = yield* SweepApi
  const contents: ReadonlyArray<SourceContent> = [
    ...Array.from(places, ([sha256, { bytes }]) => ({ sha256, bytes })),
    { sha256: snapshot.sha256, bytes: manifest.byteLength },
  ]
  const sizes = new Map(contents.map(({ sha256, bytes }) => [sha256, bytes]))

  /** A piece from `offset` on; fails when the file has changed since it was looked at. */
  const pieceOf = Effect.fnUntraced(function* (sha256: string, offset: number) {
    const bytes = sizes.get(sha256)!
    const length = Math.min(pieceBytes, bytes - offset)
    if (sha256 === snapshot.sha256) {
      return { sha256, bytes, offset, data: manifest.subarray(offset, offset + length) } satisfies SourcePiece
    }
    const { path } = places.get(sha256)!
    const data = yield* Effect.acquireUseRelease(
      Effect.tryPromise({ try: () => open(path, "r"), catch: () => badInput(`${path} cannot be read any more`) }),
      (handle) => Effect.promise(() => readPiece(handle, offset, length)),
      (handle) => Effect.promise(() => handle.close()),
    )
    if (data.byteLength < length) return yield* badInput(`${path} has changed while it was sent; run the command again`)
    return { sha256, bytes, offset, data } satisfies SourcePiece
  })

  const sent = new Set<string>()
  let sentBytes = 0
  const put = (pieces: ReadonlyArray<SourcePiece>) =>
    api.putSources(pieces).pipe(
      Effect.retry(away),
      Effect.tap(() =>
        Effect.sync(() => {
          for (const { sha256, data } of pieces) {
            sent.add(sha256)
            sentBytes += data.byteLength
          }
        }),
      ),
    )

  const sendMissing = Effect.fnUntraced(function* () {
    let count = 0
    for (let from = 0; from < contents.length; from += mostOffered) {
      const missing = yield* api.offerSources(contents.slice(from, from + mostOffered)).pipe(Effect.retry(away))
      count += missing.length
      let waiting: Array<SourcePiece> = []
      let waitingBytes = 0
      const flush = Effect.suspend(() => {
        const pieces = waiting
        waiting = []
        waitingBytes = 0
        return pieces.length === 0 ? Effect.void : put(pieces)
      })
      for (const { sha256, offset } of missing) {
        const bytes = sizes.get(sha256)!
        for (let at = offset; at < bytes || at === 0; at += pieceBytes) {
          const piece = yield* pieceOf(sha256, at)
          if (waitingBytes + piece.data.byteLength > pieceBytes || waiting.length >= mostOffered / 10) yield* flush
          waiting.push(piece)
          waitingBytes += piece.data.byteLength
        }
      }
      yield* flush
    }
    return count
  })
  // A mismatch means that something came between: what is missing then is asked again.
  for (let offers = 1; ; offers++) {
    const result = yield* Effect.result(sendMissing())
    if (result._tag === "Success") {
      if (result.success === 0 || offers > mostOffers) break
      continue
    }
    if (!(result.failure instanceof Refused) || offers >= mostOffers) return yield* Effect.fail(result.failure)
  }
  return { files: sent.size, bytes: sentBytes } satisfies Sent
})
