// Between the artifact messages of agent.proto and the domain. Owns the checks of what arrives: a path is one that may be
// joined to a directory, a size is a safe integer.
import * as Schema from "effect/Schema"
import { ArtifactFile, type ArtifactOwner, ArtifactPath } from "@sweep/domain/Artifact"
import { Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import type * as wire from "@sweep/proto/agent"
import { type Kept, type Offer, type Piece, pieceBytes } from "@sweep/protocol/ArtifactExchange"
import { WireError } from "../transport/WireError.ts"
import { wireReader } from "./wireReader.ts"

const owner = wireReader("owner", Schema.Struct({ sweep: SweepId, trial: TrialNumber, epoch: Epoch }))
const files = wireReader("files", Schema.Array(ArtifactFile).check(Schema.isMaxLength(10_000)))
const file = wireReader("file", ArtifactFile)
const checksum = wireReader("sha256", Schema.NullOr(Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/))))
const path = wireReader("path", ArtifactPath)
const kept = wireReader(
  "files",
  Schema.Array(Schema.Struct({ epoch: Epoch, path: ArtifactPath, bytes: Schema.Int, sha256: Schema.String })),
)

export const decodeOwner = (message: { sweep: string; trial: number; epoch: bigint }): ArtifactOwner =>
  owner({ sweep: message.sweep, trial: message.trial, epoch: Number(message.epoch) })

export const encodeOwner = ({ sweep, trial, epoch }: ArtifactOwner) => ({ sweep, trial, epoch: BigInt(epoch) })

export const decodeFiles = (message: wire.OfferArtifactsRequest): ReadonlyArray<ArtifactFile> =>
  files(message.files.map(({ path, bytes }) => ({ path, bytes: Number(bytes) })))

export const encodeOffer = ({ wanted, folder, marker }: Offer): wire.OfferArtifactsResponse => ({
  wanted: wanted.map(({ path, offset, place }) => ({ path, offset: BigInt(offset), place })),
  folder,
  marker,
})

export const decodeOffer = ({ wanted, folder, marker }: wire.OfferArtifactsResponse): Offer => ({
  wanted: wanted.map(({ path, offset, place }) => ({ path, offset: Number(offset), place })),
  folder,
  marker,
})

export const decodePiece = (message: wire.PutArtifactRequest): Piece => {
  const { path, bytes } = file({ path: message.path, bytes: Number(message.bytes) })
  const offset = Number(message.offset)
  const { data } = message
  if (data.byteLength > pieceBytes) throw new WireError({ message: `data: more than ${pieceBytes} bytes` })
  if (!Number.isSafeInteger(offset) || offset + data.byteLength > bytes) {
    throw new WireError({ message: `offset: the piece reaches beyond the file's ${bytes} bytes` })
  }
  return { path, bytes, offset, data, sha256: checksum(message.sha256 ?? null) }
}

export const encodePiece = (of: ArtifactOwner, piece: Piece): wire.PutArtifactRequest => ({
  ...encodeOwner(of),
  path: piece.path,
  bytes: BigInt(piece.bytes),
  offset: BigInt(piece.offset),
  data: Buffer.from(piece.data.buffer, piece.data.byteOffset, piece.data.byteLength),
  sha256: piece.sha256 ?? undefined,
})

export const encodeKept = (found: ReadonlyArray<Kept>): wire.ListCheckpointResponse => ({
  files: found.map(({ epoch, path, bytes, sha256 }) => ({ epoch: BigInt(epoch), path, bytes: BigInt(bytes), sha256 })),
})

export const decodeKept = (message: wire.ListCheckpointResponse): ReadonlyArray<Kept> =>
  kept(
    message.files.map(({ epoch, path, bytes, sha256 }) => ({
      epoch: Number(epoch),
      path,
      bytes: Number(bytes),
      sha256,
    })),
  )

/** Which file of which attempt is asked for. */
export const decodeWhich = (message: { sweep: string; trial: number; epoch: bigint; path: string }) => ({
  ...decodeOwner(message),
  path: path(message.path),
})
