// A coordinator for tests that says what the test wants said and remembers what it was told. It keeps a coordinator's
// side of the protocol (welcome, acknowledgement, high-water mark per epoch) and nothing of a coordinator's decisions.
import { Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import { Timings } from "@sweep/domain/Lease"
import type { TrialEvent } from "@sweep/domain/TrialEvent"
import { said } from "@sweep/domain/Reason"
import { SessionBroken, SessionRefused } from "@sweep/protocol/AgentConnection"
import { AgentGateway, type GatewaySession } from "@sweep/protocol/AgentGateway"
import type { AgentMessage, AttemptEnd, CoordinatorMessage, StopMode } from "@sweep/protocol/AgentMessage"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { protocolVersion } from "@sweep/protocol/versions"

export interface Point {
  readonly metric: string
  readonly step: number
  readonly value: number
}

export class Received {
  seq = 0
  stdout = 0
  stderr = 0
  readonly points: Array<Point> = []
  readonly events: Array<TrialEvent> = []
  readonly logs = { stdout: "", stderr: "" }
  readonly ends: Array<AttemptEnd> = []
  /** Seq numbers that came although they had been acknowledged. */
  repeated = 0

  /** The answer of the sample event with this prompt. */
  sample(prompt: string): string | undefined {
    const found = this.events.find((event) => event.type === "sample" && event.prompt === prompt)
    return found?.type === "sample" ? found.answer : undefined
  }
}

type Hello = Extract<AgentMessage, { readonly _tag: "Hello" }>

export class ScriptedCoordinator {
  timings = new Timings({ heartbeat: 200, suspect: 1_000, lease: 60_000, grace: 1_000, margin: 1_000 })
  acknowledges = true
  settles = true
  /** Sessions broken because a message left lines out. */
  holes = 0
  /** Whether it answers heartbeats. */
  hears = true
  refuses: string | undefined
  readonly discard = new Set<Epoch>()
  readonly hellos: Array<Hello> = []
  readonly messages: Array<AgentMessage> = []
  readonly attempts = new Map<number, Received>()
  private session: GatewaySession | undefined
  private cut = Deferred.makeUnsafe<never, SessionBroken>()
  private readonly changed = Latch.makeUnsafe()
  private nextEpoch = 1

  readonly layer: Layer.Layer<AgentGateway> = Layer.succeed(AgentGateway, {
    serve: (session) => this.serve(session),
  })

  get connected(): boolean {
    return this.session !== undefined
  }

  of(epoch: number): Received {
    let received = this.attempts.get(epoch)
    if (received === undefined) this.attempts.set(epoch, (received = new Received()))
    return received
  }

  /** Waits until `holds`. A test that waits in vain is ended by its own time limit. */
  until(holds: () => boolean): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      while (!holds()) {
        this.changed.closeUnsafe()
        yield* this.changed.await
      }
    })
  }

  readonly untilConnected = this.until(() => this.session !== undefined)

  untilEnded(epoch: number): Effect.Effect<AttemptEnd> {
    return Effect.map(
      this.until(() => this.of(epoch).ends.length > 0),
      () => this.of(epoch).ends[0]!,
    )
  }

  send(message: CoordinatorMessage): Effect.Effect<void> {
    return Effect.andThen(
      this.untilConnected,
      Effect.suspend(() => Effect.orDie(this.session!.send(message))),
    )
  }

  assign(options: {
    readonly trial?: number
    readonly attempt?: number
    readonly slot?: number
    readonly trainer?: "peft" | "command"
    readonly command?: ReadonlyArray<string>
    /** trial.json without `devices`. */
    readonly trialJson: object
    readonly epoch?: Epoch
  }): Effect.Effect<Epoch> {
    const epoch = options.epoch ?? Epoch.make(this.nextEpoch++)
    return Effect.as(
      this.send({
        _tag: "Assign",
        sweep: SweepId.make("test"),
        trial: TrialNumber.make(options.trial ?? epoch),
        attempt: options.attempt ?? 1,
        epoch,
        slot: options.slot ?? 0,
        trainer: options.trainer ?? "command",
        command: options.command ?? null,
        trialJson: JSON.stringify(options.trialJson),
      }),
      epoch,
    )
  }

  stop(epoch: Epoch, mode: StopMode, reason = `asked to ${mode}`): Effect.Effect<void> {
    return this.send({ _tag: "Stop", epoch, mode, reason: said(reason) })
  }

  /** Acknowledges what was received while it did not acknowledge. */
  readonly acknowledgeAll = Effect.suspend(() =>
    Effect.forEach(Array.from(this.attempts.keys()), (epoch) => this.acknowledge(epoch), { discard: true }),
  )

  /** The connection breaks. */
  readonly breakSession = Effect.suspend(() => {
    const { cut } = this
    this.cut = Deferred.makeUnsafe()
    this.session = undefined
    return Deferred.fail(cut, new SessionBroken({ message: "the test cut the connection" }))
  })

  private acknowledge(epoch: number): Effect.Effect<void> {
    const { seq, stdout, stderr } = this.of(epoch)
    return this.send({ _tag: "Ack", acknowledged: [{ epoch: Epoch.make(epoch), seq, stdout, stderr }], ended: [] })
  }

  private serve(session: GatewaySession): Effect.Effect<void, SessionBroken | SessionRefused> {
    if (this.refuses !== undefined) return Effect.fail(new SessionRefused({ message: this.refuses }))
    return Stream.runForEach(session.incoming, (message) =>
      Effect.suspend(() => this.receive(session, message)).pipe(
        Effect.tap(Effect.sync(() => this.changed.openUnsafe())),
        // What was to be answered on a session that has just been cut.
        Effect.catchCause(() => Effect.void),
      ),
    ).pipe(
      Effect.raceFirst(Deferred.await(this.cut)),
      Effect.ensuring(
        Effect.sync(() => {
          if (this.session === session) this.session = undefined
          this.changed.openUnsafe()
        }),
      ),
    )
  }

  private receive(session: GatewaySession, message: AgentMessage): Effect.Effect<void, SessionBroken> {
    this.messages.push(message)
    switch (message._tag) {
      case "Notes":
        return Effect.void
      case "Hello": {
        this.hellos.push(message)
        const acknowledged = message.held.map(({ epoch }) => {
          const { seq, stdout, stderr } = this.of(epoch)
          return { epoch, seq, stdout, stderr }
        })
        return session
          .send({
            _tag: "Welcome",
            protocol: protocolVersion,
            timings: this.timings,
            acknowledged,
            discard: Array.from(this.discard),
          })
          .pipe(Effect.tap(Effect.sync(() => (this.session = session))))
      }
      case "Events": {
        const received = this.of(message.epoch)
        // As the coordinator does: a hole that nobody answers for is none of the protocol's.
        if (message.firstSeq > received.seq + 1)
          return Effect.andThen(
            Effect.sync(() => this.holes++),
            this.breakSession,
          )
        if (message.firstSeq <= received.seq) received.repeated += received.seq - message.firstSeq + 1
        const { metrics, metric, step, value, seq } = message.points
        for (let i = 0; i < metric.length; i++) {
          if (seq[i]! <= received.seq) continue
          received.points.push({ metric: metrics[metric[i]!]!, step: step[i]!, value: value[i]! })
        }
        received.events.push(...message.events.filter((event) => event.seq > received.seq))
        received.seq = Math.max(received.seq, message.lastSeq)
        return this.acknowledges ? this.acknowledge(message.epoch) : Effect.void
      }
      case "Log": {
        const received = this.of(message.epoch)
        if (message.offset === received[message.stream]) {
          received[message.stream] = message.end
          received.logs[message.stream] += message.text
        }
        return this.acknowledges ? this.acknowledge(message.epoch) : Effect.void
      }
      case "Ended":
        this.of(message.epoch).ends.push(message.end)
        return this.settles ? session.send({ _tag: "Ack", acknowledged: [], ended: [message.epoch] }) : Effect.void
      case "Heartbeat":
        return this.hears ? session.send({ _tag: "Heard", at: message.at }) : Effect.void
      case "Slots":
        return Effect.void
    }
  }
}
