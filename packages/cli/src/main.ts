// The `sweep` command. The composition root: what a command needs beyond its flags is imported when it runs, so that
// `sweep --version` loads neither gRPC nor DuckDB nor Vega.
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import { agent } from "./commands/agent.ts"
import { ask } from "./commands/ask.ts"
import { backup, restore } from "./commands/backup.ts"
import { artifacts } from "./commands/artifacts.ts"
import { best } from "./commands/best.ts"
import { certs } from "./commands/certs.ts"
import { check } from "./commands/check.ts"
import { clone } from "./commands/clone.ts"
import { pause, resume, stop } from "./commands/control.ts"
import { exportCommand } from "./commands/export.ts"
import { extend } from "./commands/extend.ts"
import { logs } from "./commands/logs.ts"
import { ls } from "./commands/ls.ts"
import { pull } from "./commands/pull.ts"
import { query } from "./commands/query.ts"
import { report } from "./commands/report.ts"
import { rm } from "./commands/rm.ts"
import { run } from "./commands/run.ts"
import { serve } from "./commands/serve.ts"
import { show } from "./commands/show.ts"
import { tell } from "./commands/tell.ts"
import { tokens } from "./commands/tokens.ts"
import { trials } from "./commands/trials.ts"
import { watch } from "./commands/watch.ts"
import { Failure } from "./exitCodes.ts"
import { note } from "./output.ts"
import { version } from "./version.ts"

const sweep = Command.make("sweep").pipe(
  Command.withDescription(
    "Experiment tracking and hyperparameter sweeps that understand fine-tuning. Start with: sweep run sweeps/quickstart.yaml",
  ),
  Command.withExamples([
    { command: "sweep run sweeps/quickstart.yaml", description: "A first sweep on this machine, with its report" },
    { command: "sweep check my.yaml", description: "What a sweep file means, before it costs anything" },
    { command: "sweep ls", description: "The sweeps so far" },
  ]),
  Command.withSubcommands([
    run,
    check,
    ls,
    show,
    trials,
    watch,
    logs,
    best,
    artifacts,
    pull,
    report,
    stop,
    pause,
    resume,
    extend,
    clone,
    rm,
    ask,
    tell,
    query,
    exportCommand,
    backup,
    restore,
    serve,
    agent,
    certs,
    tokens,
  ]),
)

sweep.pipe(
  Command.run({ version }),
  // Before the main fiber ends with it: the exit code is the failure's own.
  Effect.tapError((error) => (error instanceof Failure ? note(error.text) : Effect.void)),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain,
)
