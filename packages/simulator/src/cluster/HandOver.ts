// How checkpoints get from simulated hosts to the simulated coordinator, who keeps nothing of them but that they are there:
// what is in one is its step, which whoever resumes from it is told anyhow. An agent that is killed on the way begins
// again in its next life. Owns this in place of the exchange and the folder; how files travel is tested with real ones.
import * as Effect from "effect/Effect"
import type { Artifact } from "@sweep/domain/Artifact"
import type { SweepId } from "@sweep/domain/Id"
import type { Uploads } from "@sweep/daemon/uploads"
import { ArtifactStore } from "@sweep/store/ArtifactStore"
import type { World } from "./World.ts"

export class HandOver {
  private kept: ReadonlyArray<Artifact & { readonly sweep: SweepId }> = []
  private readonly world: World

  constructor(world: World) {
    this.world = world
  }

  /** Of one life of an agent. */
  readonly uploads = Effect.gen({ self: this }, function* () {
    const scope = yield* Effect.scope
    return {
      enqueue: (_, record, done) => {
        const step = record.end?._tag === "Released" ? record.end.pausedAt : undefined
        if (step === undefined) return done
        const { sweep, trial, epoch } = record
        const delay = 20 + this.world.random("hand over", epoch).uniform() * 5_000
        const path = `checkpoints/step-${step}/manifest.json`
        const arrive = Effect.sync(() => {
          this.world.note(() => `the checkpoint of epoch ${epoch} is there`)
          this.kept = [...this.kept, { sweep, trial, epoch, path, bytes: 1, sha256: "0".repeat(64), at: 0 }]
        })
        return Effect.asVoid(
          Effect.forkIn(Effect.sleep(delay).pipe(Effect.andThen(arrive), Effect.andThen(done)), scope),
        )
      },
      now: () => Effect.void,
      idle: Effect.void,
    } satisfies Uploads
  })

  readonly store: typeof ArtifactStore.Service = {
    shared: { folder: "", marker: "" },
    list: (sweep, trial) =>
      Effect.sync(() => this.kept.filter((one) => one.sweep === sweep && (trial === null || one.trial === trial))),
    retain: (sweep, trial, _, keeps) =>
      Effect.sync(() => {
        const of = this.kept.filter((one) => one.sweep === sweep && one.trial === trial)
        const stays = new Set(keeps(of))
        this.kept = this.kept.filter((one) => !of.includes(one) || stays.has(one))
      }),
    removeSweep: (sweep) => Effect.sync(() => void (this.kept = this.kept.filter((one) => one.sweep !== sweep))),
    sizeOf: () => Effect.succeed({ files: 0, bytes: 0 }),
    received: () => Effect.die("no agent sends files here"),
    write: () => Effect.die("no agent sends files here"),
    complete: () => Effect.die("no agent sends files here"),
    place: () => "",
    locate: () => "",
  }
}
