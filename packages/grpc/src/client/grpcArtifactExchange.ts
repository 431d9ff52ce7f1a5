// The agent's side of the artifact exchange over gRPC, on a channel of its own: a large file does not hold up heartbeats.
// After a failure the next call opens a new channel, with the certificates as they are then.
import { Metadata, type ServiceError } from "@grpc/grpc-js"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import {
  AgentServiceClient,
  type FetchCheckpointResponse,
  type FetchSourcesResponse,
  type ListCheckpointResponse,
  type OfferArtifactsResponse,
  type PutArtifactResponse,
} from "@sweep/proto/agent"
import { decodeKept, decodeOffer, encodeOwner, encodePiece } from "../codec/artifactCodec.ts"
import { encodeOffsets } from "../codec/sourceCodec.ts"
import { ArtifactExchange } from "@sweep/protocol/ArtifactExchange"
import { readDeadline } from "../transport/channelOptions.ts"
import { streamingCall, unaryCall } from "./clientCalls.ts"
import { channelFor, type GrpcClientOptions } from "../transport/grpcChannel.ts"
import { apiErrorOf } from "../transport/status.ts"
import { NotFound, Refused, Unavailable } from "@sweep/protocol/SweepApi"

type ApiError = NotFound | Refused | Unavailable

const noNotFound = (error: ApiError): Refused | Unavailable =>
  error._tag === "NotFound" ? new Refused({ message: error.message }) : error

export const layer = (options: GrpcClientOptions): Layer.Layer<ArtifactExchange> =>
  Layer.effect(
    ArtifactExchange,
    Effect.gen(function* () {
      let opened: AgentServiceClient | undefined
      const close = () => {
        opened?.close()
        opened = undefined
      }
      yield* Effect.addFinalizer(() => Effect.sync(close))
      const client = () => (opened ??= new AgentServiceClient(...channelFor(options)))
      const failureOf = (error: unknown): ApiError => {
        const failure = apiErrorOf(error, options)
        if (failure._tag === "Unavailable") close()
        return failure
      }

      const unary = <Response, A>(
        start: (
          client: AgentServiceClient,
          metadata: Metadata,
          deadline: { readonly deadline: number },
          done: (error: ServiceError | null, response: Response) => void,
        ) => { readonly cancel: () => void },
        decode: (response: Response) => A,
      ) =>
        unaryCall<Response, ApiError>(
          (done) => start(client(), new Metadata(), { deadline: Date.now() + readDeadline }, done),
          failureOf,
        ).pipe(
          Effect.flatMap((response) => Effect.try({ try: () => decode(response), catch: failureOf })),
          Effect.mapError(noNotFound),
        )

      return {
        offer: (owner, files) =>
          unary<OfferArtifactsResponse, ReturnType<typeof decodeOffer>>(
            (to, metadata, deadline, done) =>
              to.offerArtifacts(
                { ...encodeOwner(owner), files: files.map(({ path, bytes }) => ({ path, bytes: BigInt(bytes) })) },
                metadata,
                deadline,
                done,
              ),
            decodeOffer,
          ),
        put: (owner, piece) =>
          unary<PutArtifactResponse, void>(
            (to, metadata, deadline, done) => to.putArtifact(encodePiece(owner, piece), metadata, deadline, done),
            () => {},
          ),
        listCheckpoint: (sweep, trial) =>
          unary<ListCheckpointResponse, ReturnType<typeof decodeKept>>(
            (to, metadata, deadline, done) => to.listCheckpoint({ sweep, trial }, metadata, deadline, done),
            decodeKept,
          ),
        fetch: (sweep, trial, { epoch, path }) =>
          streamingCall(() => client().fetchCheckpoint({ sweep, trial, epoch: BigInt(epoch), path }), {
            decode: ({ data }: FetchCheckpointResponse): Uint8Array => data,
            failureOf,
          }),
        fetchSources: (sweep, wanted) =>
          streamingCall(() => client().fetchSources({ sweep, files: encodeOffsets(wanted) }), {
            decode: ({ file, data }: FetchSourcesResponse) => ({ file, data }),
            failureOf,
          }),
      }
    }),
  )
