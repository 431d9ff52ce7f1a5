// The network of a simulated world: what TCP and gRPC's keep-alive make of a bad line. Within a session messages arrive
// in order or not at all; what is sent into a cut waits for its end and is lost when the session breaks before that.
// Each side finds out for itself, at a moment of its own, so that an old session can be half open, and still deliver,
// while a new one is at work. Owns sessions; who listens and who connects is told.
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type * as Scope from "effect/Scope"
import type { AgentId } from "@sweep/domain/Id"
import { type AgentConnection, SessionBroken, SessionRefused } from "@sweep/protocol/AgentConnection"
import type { AgentGateway } from "@sweep/protocol/AgentGateway"
import type { AgentMessage, CoordinatorMessage } from "@sweep/protocol/AgentMessage"
import type { Random } from "@sweep/search/Random"
import type { Life, World } from "./World.ts"

/** As many messages of one direction may be under way or unread before the sender waits. */
const window = 16
/** A tenth of channelOptions.ts, as all times of the simulation are: idle time, then the wait for an answer to a ping. */
const keepAlive = { agent: [1_000, 3_000], coordinator: [1_000, 4_000] } as const

type Over = SessionBroken | SessionRefused
type Item<M> = { readonly message: M } | { readonly over: Over | null }

/** The line between a host and the coordinator. */
export interface Line {
  /** Which directions of it work. */
  up: boolean
  down: boolean
  /** Something in between, a proxy or a tunnel, answers keep-alive for the other end, whatever has become of that. */
  readonly proxied: boolean
}

/** One direction of a session. */
class Direction<M> {
  private readonly world: World
  private readonly latency: () => number
  private readonly works: () => boolean
  private readonly receiver: Life
  private readonly queue: Queue.Queue<M, Over | Cause.Done>
  private readonly underWay: Array<{ readonly at: number; readonly item: Item<M> }> = []
  private readonly waiting: Array<() => void> = []
  private unread = 0
  /** Nothing can be sent any more. */
  private closed = false
  /** Nothing arrives any more. */
  private over = false

  constructor(world: World, latency: () => number, works: () => boolean, receiver: Life) {
    this.world = world
    this.latency = latency
    this.works = works
    this.receiver = receiver
    const made = receiver.fork(Queue.unbounded<M, Over | Cause.Done>()).pollUnsafe()
    if (made === undefined || Exit.isFailure(made)) throw new Error("a queue is made at once")
    this.queue = made.value
  }

  readonly incoming: Stream.Stream<M, Over> = Stream.suspend(() =>
    Stream.map(Stream.fromQueue(this.queue), (message) => {
      this.unread--
      this.admit()
      return message
    }),
  )

  send(sender: Life, message: M): Effect.Effect<void, SessionBroken> {
    const broken = Effect.suspend(() => Effect.fail(new SessionBroken({ message: "the session is over" })))
    return Effect.suspend(() => {
      if (this.closed) return broken
      this.push({ message })
      this.unread++
      if (this.unread <= window) return Effect.void
      return sender.callback<void, SessionBroken>((finish) => {
        this.waiting.push(() => finish(this.closed ? broken : Effect.void))
      })
    })
  }

  /** The sender says no more; what it had said still arrives. */
  finish(over: Over | null): void {
    if (this.closed) return
    this.push({ over })
    this.close()
  }

  /** The receiver gives up by itself. */
  breakOff(error: Over): void {
    this.arrive({ over: error })
  }

  /** What was not delivered never will be. */
  lose(): void {
    this.underWay.length = 0
  }

  close(): void {
    this.closed = true
    this.admit()
  }

  /** Nothing is under way and nothing will be. */
  get idle(): boolean {
    return this.closed && this.underWay.length === 0
  }

  /** Delivers what is due, when the line works. */
  readonly flush = (): void => {
    while (this.works() && this.underWay.length > 0 && this.underWay[0]!.at <= this.world.now) {
      this.arrive(this.underWay.shift()!.item)
    }
  }

  private push(item: Item<M>): void {
    const last = this.underWay.at(-1)?.at ?? 0
    const at = Math.max(last, this.world.now + this.latency())
    this.underWay.push({ at, item })
    this.world.after(at - this.world.now, this.flush)
  }

  private arrive(item: Item<M>): void {
    if (this.over) return
    if ("message" in item) {
      this.receiver.enter(() => Queue.offerUnsafe(this.queue, item.message))
      return
    }
    this.over = true
    this.close()
    this.receiver.enter(() => {
      if (item.over === null) Queue.endUnsafe(this.queue)
      else Queue.failCauseUnsafe(this.queue, Cause.fail(item.over))
    })
  }

  private admit(): void {
    while (this.waiting.length > 0 && (this.closed || this.unread <= window)) this.waiting.shift()!()
  }
}

type Breakable = Pick<Direction<AgentMessage>, "breakOff" | "lose" | "finish">

interface Session {
  readonly agent: AgentId
  readonly ends: readonly [agent: Life, coordinator: Life]
  readonly up: Direction<AgentMessage>
  readonly down: Direction<CoordinatorMessage>
  readonly line: Line
  /** Pending ends by keep-alive. */
  timers: Array<() => void>
}

export interface Listener {
  readonly life: Life
  readonly gateway: AgentGateway["Service"]
}

export class Network {
  readonly lines = new Map<AgentId, Line>()
  listener: Listener | undefined
  private readonly world: World
  private readonly chance: Random
  private readonly sessions = new Set<Session>()
  /** Milliseconds a message takes at most; most take a tenth. */
  slowness = 20

  constructor(world: World) {
    this.world = world
    this.chance = world.random("network")
  }

  line(agent: AgentId): Line {
    let line = this.lines.get(agent)
    if (line === undefined) {
      const proxied = this.world.random(`line of ${agent}`).index(4) === 0
      this.lines.set(agent, (line = { up: true, down: true, proxied }))
    }
    return line
  }

  /** What the agent connects with. */
  connection(agent: AgentId, life: Life): AgentConnection["Service"] {
    return {
      open: Effect.flatMap(this.reach(agent, life), (session) =>
        Effect.as(
          Effect.addFinalizer(() =>
            Effect.sync(() => this.leave(session, 0, new SessionBroken({ message: "the agent went away" }))),
          ),
          {
            send: (message: AgentMessage) => session.up.send(life, message),
            incoming: session.down.incoming,
          },
        ),
      ) as Effect.Effect<Effect.Success<AgentConnection["Service"]["open"]>, Over, Scope.Scope>,
    }
  }

  /** A process is gone: the kernel closes its connections. */
  gone(life: Life): void {
    if (this.listener?.life === life) this.listener = undefined
    const reset = new SessionBroken({ message: "connection reset" })
    for (const session of this.sessions) {
      const side = session.ends.indexOf(life)
      if (side !== -1) this.leave(session, side as 0 | 1, reset)
    }
  }

  /** A line was cut or mended, or a process stands still or continues. */
  changed(): void {
    for (const session of this.sessions) {
      session.up.flush()
      session.down.flush()
      if (session.up.idle && session.down.idle) {
        this.sessions.delete(session)
      } else if (this.works(session)) {
        for (const stop of session.timers) stop()
        session.timers = []
      } else if (session.timers.length === 0) this.expire(session)
    }
  }

  private works({ line, ends }: Session): boolean {
    return line.up && line.down && ends.every((life) => life.awake)
  }

  private between([least, most]: readonly [number, number]): number {
    return least + this.chance.uniform() * (most - least)
  }

  private readonly latency = (): number =>
    1 + this.chance.uniform() * (this.chance.index(8) === 0 ? this.slowness : this.slowness / 10)

  private reach(agent: AgentId, life: Life): Effect.Effect<Session, SessionBroken> {
    const failed = (message: string) => Effect.fail(new SessionBroken({ message }))
    return life.callback((finish) => {
      const line = this.line(agent)
      if (!line.up || !line.down) {
        return this.world.after(this.between(keepAlive.agent), () => finish(failed("timed out")))
      }
      return this.world.after(this.latency(), () => {
        const { listener } = this
        if (!life.alive) return
        if (listener === undefined) finish(failed("connection refused"))
        else finish(Effect.succeed(this.accept(agent, life, listener, line)))
      })
    })
  }

  private accept(agent: AgentId, life: Life, { life: server, gateway }: Listener, line: Line): Session {
    const session: Session = {
      agent,
      ends: [life, server],
      up: new Direction(this.world, this.latency, () => line.up, server),
      down: new Direction(this.world, this.latency, () => line.down, life),
      line,
      timers: [],
    }
    this.sessions.add(session)
    const serve = gateway.serve({
      send: (message) => session.down.send(server, message),
      incoming: session.up.incoming,
      peer: agent,
    })
    server.enter(() =>
      server.fork(
        Effect.onExit(serve, (exit) =>
          Effect.sync(() => {
            const failure = Exit.isFailure(exit)
              ? exit.cause.reasons.find((reason) => reason._tag === "Fail")
              : undefined
            const error =
              failure?._tag === "Fail" ? failure.error : new SessionBroken({ message: "the coordinator failed" })
            this.leave(session, 1, Exit.isSuccess(exit) ? null : error)
          }),
        ),
      ),
    )
    if (!this.works(session)) this.expire(session)
    return session
  }

  /** One end closes: what it had sent arrives, then the news; what was sent to it does not. */
  private leave(session: Session, side: 0 | 1, error: Over | null): void {
    const [told, unheard] = side === 0 ? [session.up, session.down] : [session.down, session.up]
    told.finish(error)
    unheard.close()
    unheard.lose()
    // It is over for that end: its own timer has nothing left to do, the other's has.
    if (!this.works(session)) this.world.soon(() => this.changed())
  }

  /** Each end finds out by its own keep-alive, unless the line works again before. */
  private expire(session: Session): void {
    if (session.line.proxied) return
    const error = new SessionBroken({ message: "keep-alive: no answer" })
    const lose = this.chance.index(2) === 0
    const expire = (here: Breakable, there: Breakable, wait: number) =>
      this.world.after(wait, () => {
        if (this.works(session)) return
        this.world.note(() => `network: ${here === session.down ? session.agent : "coordinator"}: no answer to a ping`)
        if (lose) there.lose()
        here.breakOff(error)
        there.finish(new SessionBroken({ message: "connection reset" }))
      })
    const { up, down } = session
    session.timers = [
      expire(down, up, this.between(keepAlive.agent)),
      expire(up, down, this.between(keepAlive.coordinator)),
    ]
  }
}
