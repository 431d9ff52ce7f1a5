// The answer, before anything else: what to run next, how much better than what, how sure, at what cost. Every number of it
// is `answerOf`'s; this writes them out.
import { hasFailed } from "@sweep/domain/Trial"
import { sharedSteps } from "@sweep/domain/beginning"
import type { Answer } from "@sweep/diagnosis/answer"
import { outcomeText } from "@sweep/domain/OutcomeConstraint"
import { isBetter } from "@sweep/domain/Metric"
import type { SweepResults } from "@sweep/domain/SweepResults"
import { reasonText } from "../strings/reasonText.ts"
import { edgesOf, lighterThan, relativeGap } from "../certainty.ts"
import { count, difference, duration, metricValue, percent, shortValue } from "../Format.ts"
import { html, type Html, join } from "../Html.ts"
import { say, type Text } from "../Say.ts"
import type { Standing, Standings } from "../Standings.ts"
import { answer } from "../strings/answer.ts"
import { limits } from "../strings/front.ts"
import { measured } from "../strings/measured.ts"
import { metricName } from "../strings/metricName.ts"
import { parametersYaml } from "../Yaml.ts"
import { copyBlock } from "./copyBlock.ts"
import { verdictBadge } from "./verdictBadge.ts"

const deviceOf = (standing: Standing): Text | null => {
  const device = standing.details?.started?.device
  if (device === undefined) return null
  return /^cpu\b/i.test(device) ? answer.cpu : { en: device, zh: device }
}

/** A size without a sign: which way it goes stands in words beside it. */
const size = (value: number): string => difference(Math.abs(value)).slice(1)

const behindText = (behind: number, share: number | null): Text =>
  behind === 0 ? answer.level : answer.behind(size(behind), share === null ? null : percent(share))

/** A share that is a probability: never 0 or 100 %. */
const probability = (value: number): string =>
  value > 0.99 ? `> ${percent(0.99)}` : value < 0.01 ? `< ${percent(0.01)}` : percent(Number(value.toFixed(2)))

const certaintySentences = (
  { certainty, more, runnerUp }: Answer,
  { configurations }: Standings,
): ReadonlyArray<Html> => {
  if (certainty === null || runnerUp === null) return []
  const { chance, level, expected, noise, noiseFrom, rivals } = certainty
  // Those that keep the limits on outcomes; among the others none can be the best.
  const compared = configurations.filter(({ violation }) => violation === 0).length
  return [
    say(answer.chance(probability(chance), level, compared)),
    ...(compared > 2 ? [say(answer.aheadOfRunnerUp(probability(runnerUp.chance)))] : []),
    say(answer.noise[noiseFrom](size(noise[1]))),
    say(answer.expected(metricValue(expected[0]), metricValue(expected[2]))),
    ...(level === "clear" || rivals.length === 0 || more === null
      ? []
      : [say(answer.rivals(rivals, size(more.repeating)))]),
    ...(more === null || more.hour === null || more.hour.gain === 0
      ? []
      : [say(answer.hour(more.hour.trials, size(more.hour.gain)))]),
  ]
}

const nextSentences = ({ next, best }: Answer): ReadonlyArray<Html> => [
  ...(next.shorter === null
    ? []
    : [
        say(
          answer.shorter(
            next.shorter.parameter,
            shortValue(next.shorter.to),
            shortValue(next.shorter.from),
            next.shorter.because,
          ),
        ),
      ]),
  ...(next.checkpoint === null ? [] : [say(answer.checkpoint(count(next.checkpoint), next.kept))]),
  ...(best.failed === 0 ? [] : [say(answer.failedRuns(best.failed))]),
]

/** Answers measured beside the metric that trials are ranked by. */
const measureSentences = ({ measures, answersWorse, metric }: Answer): ReadonlyArray<Html> => [
  ...(answersWorse === null
    ? []
    : [
        say(
          measured.worse(
            answersWorse.metric,
            count(answersWorse.bestStep),
            metricValue(answersWorse.best),
            metricValue(answersWorse.level),
          ),
        ),
        ...(answersWorse.loss === null
          ? []
          : [say(measured.lossBetter(metricValue(answersWorse.loss[0]), metricValue(answersWorse.loss[1])))]),
      ]),
  ...measures.map(({ name, value, better }) =>
    say(
      measured.value(
        name,
        value === null ? null : metricValue(value),
        better === null ? null : { trial: better.trial, value: metricValue(better.value) },
        metric,
      ),
    ),
  ),
]

const paragraph = (sentences: ReadonlyArray<Html>): Html | null =>
  sentences.length === 0 ? null : html`<p>${join(sentences, " ")}</p>`

const figure = (value: string, label: Html): Html =>
  html`<div>
    <dd>${value}</dd>
    <dt>${label}</dt>
  </div>`

const noAnswer = (standings: Standings): Html => {
  const trials = standings.all.length
  const failed = trials > 0 && standings.all.every((one) => hasFailed(one.trial.state))
  return html`<section id="answer" class="answer">
    <h2>${say(failed ? answer.allFailed(trials) : answer.none)}</h2>
    <p>${say(failed ? answer.allFailedBody : answer.noneBody(standings.metric))}</p>
  </section>`
}

export const answerSection = (results: SweepResults, standings: Standings, found: Answer | null): Html => {
  const { best, base, goal, middleHalf } = standings
  if (best === null || found === null) return noAnswer(standings)
  const { spec } = results.sweep
  const metric = metricName(standings.metric)
  // With replicas the configuration stands for its runs, and so does its mean.
  const { value } = found.best
  const runs = found.best.trials.length
  const { runnerUp } = found
  const { shorter } = found.next
  const following = [...nextSentences(found), ...measureSentences(found)]
  const verdict = best.trial.verdict
  const lighter = lighterThan(standings)
  const edges = edgesOf(standings)
  const shared = sharedSteps(results.details)
  const constraints = [
    ...(found.best.feasible ? [] : [say(limits.broken)]),
    ...found.constraints.map(({ constraint, kept, broken, unknown, value: its }) =>
      say(limits.kept(outcomeText(constraint), its === null ? null : metricValue(its), kept, broken, unknown)),
    ),
  ]
  const facts = [
    base === null
      ? null
      : say(answer.base(metricValue(base), percent(relativeGap(base, value)), isBetter(goal, value, base))),
    runnerUp === null
      ? standings.configurations.length > 1
        ? found.best.feasible
          ? say(limits.noRunnerUp)
          : null
        : say(answer.only)
      : say(
          answer.runnerUp(
            runnerUp.trials,
            metricValue(runnerUp.value),
            behindText(runnerUp.behind, runnerUp.behindShare),
          ),
        ),
    middleHalf === null
      ? null
      : say(answer.spread(standings.ranked.length, metricValue(middleHalf[0]), metricValue(middleHalf[1]))),
    found.cost.best === 0
      ? null
      : say(
          answer.cost(
            found.best.trial,
            duration(found.cost.best),
            deviceOf(best),
            found.cost.trials,
            duration(found.cost.all),
          ),
        ),
    best.trial.lineage.length === 0
      ? null
      : say(answer.tookOver(Array.from(new Set(best.trial.lineage.map(({ trial }) => trial))))),
    shared === null ? null : say(answer.shared(shared.runs, count(shared.steps), count(shared.of))),
  ].filter((sentence) => sentence !== null)
  const yaml =
    `# ${results.sweep.id}/${best.trial.number} · ${standings.metric} ${metricValue(value)} · seed ${best.trial.seed}\n` +
    parametersYaml(spec.model === "" ? found.next.parameters : { model: spec.model, ...found.next.parameters })
  return html`<section id="answer" class="answer">
    <div class="says">
      <p class="kicker">${say(answer.best)}</p>
      <h2>
        ${say(found.best.feasible ? answer.headline(found.best.trial, shorter === null ? null : `${shorter.parameter}: ${shortValue(shorter.to)}`) : limits.headline(found.best.trial))}
        ${verdictBadge(verdict)}
      </h2>
      <dl class="figures">
        ${figure(metricValue(value), say(runs === 1 ? metric : answer.mean(metric, runs)))}
        ${base === null ? null : figure(percent(relativeGap(base, value)), say(answer.againstBase(isBetter(goal, value, base))))}
        ${runnerUp === null ? null : figure(size(runnerUp.behind), say(answer.toRunnerUp))}
        ${found.cost.best === 0 ? null : figure(duration(found.cost.best), say(answer.time))}
      </dl>
      ${paragraph(constraints)} ${paragraph(following)} ${paragraph(facts)}
      ${best.trial.state === "stopped" ? paragraph([say(answer.stopped(best.trial.stopReason === null ? null : reasonText(best.trial.stopReason)))]) : null}
      ${
        found.certainty === null
          ? null
          : html`<h3>${say(answer.howSure)}</h3>
              ${paragraph([
                ...certaintySentences(found, standings),
                ...(edges.length === 0
                  ? []
                  : [
                      say(
                        answer.edge(
                          join(
                            edges.map((name) => html`<code>${name}</code>`),
                            ", ",
                          ),
                        ),
                      ),
                    ]),
              ])}`
      }
      ${
        lighter === null
          ? null
          : paragraph([
              say(
                answer.lighter(
                  lighter.trial.number,
                  metricValue(lighter.objective!),
                  behindText(Math.abs(lighter.objective! - value), relativeGap(value, lighter.objective!)),
                  duration(lighter.duration!),
                ),
              ),
            ])
      }
    </div>
    <div class="yaml">${copyBlock(yaml)}</div>
  </section>`
}
