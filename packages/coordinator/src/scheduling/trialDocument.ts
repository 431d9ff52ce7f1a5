// trial.json, the trainer contract's description of an attempt. Owns its fields; the devices are filled in by the agent.
import * as Result from "effect/Result"
import { epochsOf, mostEpochs, searchesEpochs } from "@sweep/domain/beginning"
import type { Epoch } from "@sweep/domain/Id"
import type { Parameters } from "@sweep/domain/Parameter"
import { llamaFactoryArguments, llamaFactoryCannot } from "@sweep/domain/LlamaFactory"
import { nextPoint, populationOptions } from "@sweep/domain/population"
import type { SweepSpec } from "@sweep/domain/SweepSpec"
import type { SweepState } from "@sweep/domain/SweepState"
import { fromParameters, type TrainingConfig } from "@sweep/domain/TrainingConfig"
import type { Trial } from "@sweep/domain/Trial"

/** `expected a number above 0`: a schema's first words, without its place in a structure that nobody wrote. */
const inWords = (message: string): string =>
  message
    .split("\n", 1)[0]!
    .replace(/ at \[.*$/s, "")
    .replace(/^Expected /, "expected ")
    .replaceAll('"', "`")
    .replaceAll(" | ", ", ")
    .replace("expected number", "expected a number")
    .replace("expected string", "expected text")
    .replace("expected boolean", "expected true or false")

/** The first parameter that is wrong by itself, and how. */
const parameterProblem = (
  run: { readonly model: string; readonly train: string; readonly eval: string },
  parameters: Parameters,
): string | undefined => {
  for (const [name, value] of Object.entries(parameters)) {
    const alone = fromParameters(run, { [name]: value })
    if (Result.isFailure(alone)) {
      return `\`${name}\` cannot be ${JSON.stringify(value)}: ${inWords(alone.failure.message)}`
    }
  }
  return undefined
}

/** What the trainer is to do, or one sentence why the parameters describe no training run. */
export const trainingOf = (spec: SweepSpec, parameters: Parameters): Result.Result<TrainingConfig | null, string> => {
  if (spec.llamafactory !== undefined) {
    const cannot = llamaFactoryCannot(llamaFactoryArguments(spec.llamafactory, spec.model, parameters).arguments)
    return cannot === undefined ? Result.succeed(null) : Result.fail(cannot)
  }
  const run = { model: spec.model, train: spec.data.train.path, eval: spec.data.eval.path }
  const training = fromParameters(run, parameters)
  if (Result.isSuccess(training)) return Result.succeed(training.success)
  // A trainer of one's own gives its parameters whatever meaning it likes.
  return spec.trainer === "command"
    ? Result.succeed(null)
    : Result.fail(parameterProblem(run, parameters) ?? inWords(training.failure.message))
}

export const trialDocument = (
  sweep: SweepState,
  trial: Pick<Trial, "number" | "parameters" | "seed" | "rounds" | "lineage">,
  attempt: { readonly number: number; readonly epoch: Epoch },
  training: TrainingConfig | null,
): string => {
  const { metric, probes, taskMetrics, secrets, trainer, groups, llamafactory, model, data } = sweep.spec
  const { structured, standIns, metricsFrom, workingDirectory, snapshot } = sweep.spec
  const population = populationOptions(sweep.spec)
  const parent = trial.lineage.at(-1)
  return JSON.stringify({
    contract: 1,
    sweep: sweep.id,
    trial: trial.number,
    attempt: attempt.number,
    epoch: attempt.epoch,
    seed: trial.seed,
    parameters: trial.parameters,
    training,
    metric: { name: metric.name, goal: metric.goal },
    probes,
    ...(taskMetrics === undefined ? {} : { task_metrics: taskMetrics }),
    ...(secrets === undefined ? {} : { secrets }),
    ...(llamafactory === undefined
      ? {}
      : {
          llamafactory: {
            ...llamaFactoryArguments(llamafactory, model, trial.parameters),
            data: { train: data.train.path, eval: data.eval.path, entry: llamafactory.entry },
          },
        }),
    // For the macros of a command.
    ...(trainer === "command" ? { groups: groups ?? [] } : {}),
    ...(structured === undefined ? {} : { structured }),
    ...(standIns === undefined ? {} : { stand_ins: standIns }),
    ...(metricsFrom === undefined ? {} : { metrics_from: metricsFrom }),
    ...(snapshot === undefined
      ? {}
      : { snapshot: { sha256: snapshot.sha256, bytes: snapshot.manifestBytes, roots: snapshot.roots } }),
    ...(workingDirectory === undefined ? {} : { working_directory: workingDirectory }),
    // Whether there is something to resume from is seen where the checkpoints are.
    resume: true,
    // A member of a population waits for the others, and may resume from another one's checkpoint.
    ...(population === null ? {} : { pause_at: nextPoint(population, trial.rounds) }),
    ...(parent === undefined ? {} : { parent: { trial: parent.trial, epoch: parent.epoch, step: parent.step } }),
    // Where runs of different length share a prefix, the longer one resumes from what a shorter one left on its host.
    ...(searchesEpochs(sweep.spec)
      ? { share_prefix: true, leave_prefix: epochsOf(trial.parameters) < mostEpochs(sweep.spec) }
      : {}),
  })
}
