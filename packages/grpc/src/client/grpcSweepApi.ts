// A SweepApi over gRPC: what a command holds when the coordinator is another process. Owns deadlines and the joining of
// chunks; what the errors mean is in status.ts.
import { type ClientReadableStream, Metadata, type ServiceError } from "@grpc/grpc-js"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import type { Curve } from "@sweep/domain/Curve"
import { SweepId, TrialNumber } from "@sweep/domain/Id"
import {
  type AskResponse,
  type OfferSourcesResponse,
  type RemoveResponse,
  type ResultsResponse,
  SweepServiceClient,
  type TellResponse,
  type WatchResponse,
} from "@sweep/proto/sweep"
import { decodeAsked, decodeHeard, encodeTold, parametersJson } from "../codec/askTellCodec.ts"
import { decodeOffsets, encodeContents, encodePieces } from "../codec/sourceCodec.ts"
import { readDeadline, unaryDeadline } from "../transport/channelOptions.ts"
import { streamingCall, unaryCall } from "./clientCalls.ts"
import { channelFor, type GrpcClientOptions } from "../transport/grpcChannel.ts"
import { join } from "../codec/jsonChunks.ts"
import { encodeReason } from "../codec/reasonCodec.ts"
import { apiErrorOf } from "../transport/status.ts"
import { NotFound, Refused, SweepApi, Unavailable, type WatchEvent } from "@sweep/protocol/SweepApi"
import {
  artifactsJson,
  decodeCurve,
  decodeRemoval,
  encodeAction,
  factJson,
  progressJson,
  queryJson,
  resultsJson,
  snapshotJson,
  specJson,
  statesJson,
  stateJson,
  statusJson,
} from "../codec/sweepCodec.ts"

/** For what ends by itself, in contrast to what is followed. */
const soon = () => ({ deadline: Date.now() + readDeadline })

type ApiError = NotFound | Refused | Unavailable

/** The coordinator answered with an error that this request cannot have: the two are of different versions. */
const unexpected = (error: NotFound | Refused) => new Unavailable({ reason: "unreachable", message: error.message })

const onlyUnavailable = (error: ApiError): Unavailable => (error._tag === "Unavailable" ? error : unexpected(error))
const noNotFound = (error: ApiError): Refused | Unavailable => (error._tag === "NotFound" ? unexpected(error) : error)
const noRefused = (error: ApiError): NotFound | Unavailable => (error._tag === "Refused" ? unexpected(error) : error)

export const layer = (options: GrpcClientOptions): Layer.Layer<SweepApi> =>
  Layer.effect(
    SweepApi,
    Effect.gen(function* () {
      const client = yield* Effect.acquireRelease(
        Effect.sync(() => new SweepServiceClient(...channelFor(options))),
        (open) => Effect.sync(() => open.close()),
      )
      const failureOf = (error: unknown) => apiErrorOf(error, options)

      const unary = <Response>(
        start: (
          deadline: { readonly deadline: number },
          done: (error: ServiceError | null, response: Response) => void,
        ) => { readonly cancel: () => void },
      ) => unaryCall<Response, ApiError>((done) => start({ deadline: Date.now() + unaryDeadline }, done), failureOf)

      const stream = <Wire, A>(start: () => ClientReadableStream<Wire>, decode: (message: Wire) => A) =>
        streamingCall(start, { decode, failureOf })

      const decoded = <A>(decode: () => A) => Effect.try({ try: decode, catch: failureOf })
      const joined = <A>(chunks: Stream.Stream<Uint8Array, ApiError>, decode: (text: string) => A) =>
        Effect.flatMap(join(chunks), (text) => decoded(() => decode(text)))
      const chunkOf = ({ jsonChunk }: { readonly jsonChunk: Uint8Array }) => jsonChunk

      return {
        status: unary<{ readonly statusJson: string }>((deadline, done) =>
          client.status({}, new Metadata(), deadline, done),
        ).pipe(
          Effect.flatMap((response) => decoded(() => statusJson.decode(response.statusJson))),
          Effect.mapError(onlyUnavailable),
        ),

        offerSources: (contents) =>
          unary<OfferSourcesResponse>((_, done) =>
            client.offerSources(encodeContents(contents), new Metadata(), soon(), done),
          ).pipe(
            Effect.flatMap(({ missing }) => decoded(() => decodeOffsets(missing))),
            Effect.mapError(noNotFound),
          ),

        putSources: (pieces) =>
          Effect.asVoid(unary((_, done) => client.putSources(encodePieces(pieces), new Metadata(), soon(), done))).pipe(
            Effect.mapError(noNotFound),
          ),

        submit: (spec) =>
          unary<{ readonly sweep: string }>((deadline, done) =>
            client.submit({ specJson: specJson.encode(spec) }, new Metadata(), deadline, done),
          ).pipe(
            Effect.flatMap(({ sweep }) => decoded(() => SweepId.make(sweep))),
            Effect.mapError(noNotFound),
          ),

        list: joined(
          stream(() => client.list({}, soon()), chunkOf),
          statesJson.decode,
        ).pipe(Effect.mapError(onlyUnavailable)),

        get: (sweep) =>
          joined(
            stream(() => client.get({ sweep }, soon()), chunkOf),
            stateJson.decode,
          ).pipe(Effect.mapError(noRefused)),

        results: (sweep, { maxPoints }) =>
          Effect.suspend(() => {
            const curves: Array<Curve> = []
            const head = stream(
              () => client.results({ sweep, maxPoints }, soon()),
              ({ part }: ResultsResponse) => {
                if (part?.$case === "curve") curves.push(decodeCurve(part.value))
                return part?.$case === "jsonChunk" ? part.value : new Uint8Array()
              },
            )
            return Effect.map(joined(head, resultsJson.decode), (results) => ({ ...results, curves }))
          }).pipe(Effect.mapError(noRefused)),

        watch: (sweep) =>
          Stream.suspend(() => {
            let snapshot: Array<Uint8Array> = []
            const events = ({ event }: WatchResponse): ReadonlyArray<WatchEvent> => {
              switch (event?.$case) {
                case "snapshot": {
                  snapshot.push(event.value.jsonChunk)
                  if (!event.value.last) return []
                  const text = Buffer.concat(snapshot).toString()
                  snapshot = []
                  return [{ _tag: "Snapshot", ...snapshotJson.decode(text) }]
                }
                case "factJson":
                  return [{ _tag: "Recorded", fact: factJson.decode(event.value) }]
                case "progressJson":
                  return [{ _tag: "Progress", progress: progressJson.decode(event.value) }]
                // A newer coordinator may say more than this version understands.
                case undefined:
                  return []
              }
            }
            return stream(() => client.watch({ sweep }), events).pipe(
              Stream.flattenIterable,
              Stream.mapError(noRefused),
            )
          }),

        control: (sweep, trial, action, reason) =>
          Effect.asVoid(
            unary((deadline, done) => {
              const { text, json } = encodeReason(reason)
              return client.control(
                { sweep, trial: trial ?? undefined, action: encodeAction(action), reason: text, reasonJson: json },
                new Metadata(),
                deadline,
                done,
              )
            }),
          ),

        orderAgent: (agent, order, reason) =>
          Effect.asVoid(
            unary((deadline, done) => client.orderAgent({ agent, order, reason }, new Metadata(), deadline, done)),
          ),

        agentLog: (agent) =>
          unary<{ readonly lines: ReadonlyArray<string> }>((deadline, done) =>
            client.agentLog({ agent }, new Metadata(), deadline, done),
          ).pipe(
            Effect.map(({ lines }) => lines),
            Effect.mapError(noRefused),
          ),

        ask: (sweep) =>
          unary<AskResponse>((deadline, done) => client.ask({ sweep }, new Metadata(), deadline, done)).pipe(
            Effect.flatMap((response) => decoded(() => decodeAsked(response))),
          ),

        tell: (sweep, trial, told) =>
          unary<TellResponse>((deadline, done) =>
            client.tell(encodeTold(sweep, trial, told), new Metadata(), deadline, done),
          ).pipe(Effect.flatMap((response) => decoded(() => decodeHeard(response)))),

        extend: (sweep, spec, revision) =>
          unary<{ readonly revision: number }>((deadline, done) =>
            client.extend({ sweep, specJson: specJson.encode(spec), revision }, new Metadata(), deadline, done),
          ).pipe(Effect.map((response) => response.revision)),

        clone: (sweep, trial, changes) =>
          unary<{ readonly trials: ReadonlyArray<number> }>((deadline, done) =>
            client.clone({ sweep, trial, changesJson: parametersJson.encode(changes) }, new Metadata(), deadline, done),
          ).pipe(Effect.flatMap(({ trials }) => decoded(() => trials.map((number) => TrialNumber.make(number))))),

        remove: (sweep, { preview }) =>
          unary<RemoveResponse>((_, done) => client.remove({ sweep, preview }, new Metadata(), soon(), done)).pipe(
            Effect.map(decodeRemoval),
          ),

        logs: (sweep, trial, { stream: name, follow }) =>
          stream(
            () => client.logs({ sweep, trial, stream: name, follow }),
            ({ text }) => text,
          ).pipe(Stream.mapError(noRefused)),

        query: (sql, limit) =>
          joined(
            stream(() => client.query({ sql, limit }, soon()), chunkOf),
            queryJson.decode,
          ).pipe(Effect.mapError(noNotFound)),

        backup: stream(
          () => client.backup({}),
          ({ chunk }): Uint8Array => chunk,
        ).pipe(Stream.mapError(onlyUnavailable)),

        exportParquet: (sweep) =>
          stream(
            () => client.exportParquet({ sweep }),
            ({ file, chunk }) => ({ file, chunk }),
          ).pipe(Stream.mapError(noRefused)),

        artifacts: (sweep, trial) =>
          joined(
            stream(() => client.listArtifacts({ sweep, trial: trial ?? undefined }, soon()), chunkOf),
            artifactsJson.decode,
          ).pipe(Effect.mapError(noRefused)),

        fetchArtifact: (sweep, { trial, epoch, path }, offset) =>
          stream(
            () => client.fetchArtifact({ sweep, trial, epoch: BigInt(epoch), path, offset: BigInt(offset) }),
            ({ data }) => data,
          ).pipe(Stream.mapError(noRefused)),
      }
    }),
  )
