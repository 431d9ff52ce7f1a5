// Between the messages about source snapshots and the contracts. Owns the checks of what arrives: a name is a checksum, a
// size is a safe integer, a message holds no more than it may.
import * as Schema from "effect/Schema"
import { Sha256 } from "@sweep/domain/Artifact"
import type * as agent from "@sweep/proto/agent"
import type * as wire from "@sweep/proto/sweep"
import { pieceBytes, type SourceData, type WantedSource } from "@sweep/protocol/ArtifactExchange"
import { mostOffered, type SourceContent, type SourcePiece } from "@sweep/protocol/SweepApi"
import { WireError } from "../transport/WireError.ts"
import { wireReader } from "./wireReader.ts"

const Count = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }))
const Contents = Schema.Array(Schema.Struct({ sha256: Sha256, bytes: Count })).check(Schema.isMaxLength(mostOffered))
const Offsets = Schema.Array(Schema.Struct({ sha256: Sha256, offset: Count })).check(Schema.isMaxLength(mostOffered))
const contents = wireReader("files", Contents)
const offsets = wireReader("files", Offsets)

export const decodeContents = ({ files }: wire.OfferSourcesRequest): ReadonlyArray<SourceContent> =>
  contents(files.map(({ sha256, bytes }) => ({ sha256, bytes: Number(bytes) })))

export const encodeContents = (files: ReadonlyArray<SourceContent>): wire.OfferSourcesRequest => ({
  files: files.map(({ sha256, bytes }) => ({ sha256, bytes: BigInt(bytes) })),
})

export const decodeOffsets = (
  files: ReadonlyArray<{ readonly sha256: string; readonly offset: bigint }>,
): ReadonlyArray<WantedSource> => offsets(files.map(({ sha256, offset }) => ({ sha256, offset: Number(offset) })))

export const encodeOffsets = (files: ReadonlyArray<WantedSource>) =>
  files.map(({ sha256, offset }) => ({ sha256, offset: BigInt(offset) }))

export const decodePieces = ({ pieces }: wire.PutSourcesRequest): ReadonlyArray<SourcePiece> => {
  contents(pieces.map(({ sha256, bytes }) => ({ sha256, bytes: Number(bytes) })))
  const total = pieces.reduce((sum, { data }) => sum + data.byteLength, 0)
  if (total > pieceBytes) throw new WireError({ message: `pieces: more than ${pieceBytes} bytes` })
  return pieces.map(({ sha256, bytes, offset, data }) => {
    if (offset + BigInt(data.byteLength) > bytes) {
      throw new WireError({ message: `pieces: one reaches beyond the ${bytes} bytes of its file` })
    }
    return { sha256, bytes: Number(bytes), offset: Number(offset), data }
  })
}

export const encodePieces = (pieces: ReadonlyArray<SourcePiece>): wire.PutSourcesRequest => ({
  pieces: pieces.map(({ sha256, bytes, offset, data }) => ({
    sha256,
    bytes: BigInt(bytes),
    offset: BigInt(offset),
    data: Buffer.from(data.buffer, data.byteOffset, data.byteLength),
  })),
})

export const encodeSourceData = ({ file, data }: SourceData): agent.FetchSourcesResponse => ({
  file,
  data: Buffer.from(data.buffer, data.byteOffset, data.byteLength),
})
