// The `sweep` command. The composition root: what a command needs beyond its flags is imported when it runs, so that
// `sweep --version` loads neither gRPC nor DuckDB nor Vega.
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as CliConfig from "effect/cli/CliConfig"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import { agent } from "./commands/hosts/agent.ts"
import { agents } from "./commands/hosts/agents.ts"
import { ask } from "./commands/sweeps/ask.ts"
import { backup, restore } from "./commands/hosts/backup.ts"
import { doctor } from "./commands/hosts/doctor.ts"
import { artifacts } from "./commands/results/artifacts.ts"
import { best } from "./commands/results/best.ts"
import { data } from "./commands/data/data.ts"
import { chat } from "./commands/models/chat.ts"
import { serveModel } from "./commands/models/serveModel.ts"
import { certs } from "./commands/hosts/certs.ts"
import { check } from "./commands/sweeps/check.ts"
import { clone } from "./commands/sweeps/clone.ts"
import { pause, resume, stop } from "./commands/sweeps/control.ts"
import { exportCommand } from "./commands/results/export.ts"
import { extend } from "./commands/sweeps/extend.ts"
import { init } from "./commands/sweeps/init.ts"
import { fits } from "./commands/sweeps/fits.ts"
import { logs } from "./commands/results/logs.ts"
import { ls } from "./commands/sweeps/ls.ts"
import { open } from "./commands/hosts/open.ts"
import { pull } from "./commands/results/pull.ts"
import { quickstart } from "./commands/sweeps/quickstart.ts"
import { query } from "./commands/results/query.ts"
import { report } from "./commands/results/report.ts"
import { rm } from "./commands/sweeps/rm.ts"
import { run } from "./commands/sweeps/run.ts"
import { serve } from "./commands/hosts/serve.ts"
import { show } from "./commands/results/show.ts"
import { importCommand } from "./commands/sweeps/import.ts"
import { tell } from "./commands/sweeps/tell.ts"
import { askTell } from "./commands/sweeps/askTell.ts"
import { tokens } from "./commands/hosts/tokens.ts"
import { trials } from "./commands/results/trials.ts"
import { mcp } from "./commands/hosts/mcp.ts"
import { upgrade } from "./commands/hosts/upgrade.ts"
import { watch } from "./commands/sweeps/watch.ts"
import { Failure } from "./exitCodes.ts"
import { leaveWhenNobodyReads, noteText } from "./output.ts"
import { completions } from "./terminal/completions.ts"
import { presenter } from "./terminal/presenter.ts"
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
    quickstart,
    run,
    init,
    check,
    fits,
    ls,
    show,
    trials,
    watch,
    logs,
    best,
    artifacts,
    pull,
    chat,
    serveModel,
    report,
    stop,
    pause,
    resume,
    extend,
    clone,
    data,
    rm,
    ask,
    tell,
    askTell,
    query,
    exportCommand,
    importCommand,
    backup,
    restore,
    doctor,
    serve,
    open,
    agent,
    agents,
    certs,
    tokens,
    mcp,
    upgrade,
  ]),
)

leaveWhenNobodyReads()

sweep.pipe(
  Command.run({ version }),
  // Before the main fiber ends with it: the exit code is the failure's own.
  Effect.tapError((error) => (error instanceof Failure ? noteText(error.text) : Effect.void)),
  Effect.provideService(CliOutput.Presenter, presenter),
  Effect.provideService(CliConfig.CliConfig, {
    builtIns: GlobalFlag.BuiltIns.map((flag) => (flag === GlobalFlag.Completions ? completions : flag)),
  }),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain,
)
