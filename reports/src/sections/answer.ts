// The answer, before anything else: which configuration, how much better than what, how sure, at what cost.
import { sharedSteps } from "@sweep/domain/beginning"
import { isBetter } from "@sweep/domain/Metric"
import type { SweepResults } from "@sweep/domain/SweepResults"
import { certaintyOf, edgesOf, lighterThan, nearShare, relativeGap } from "../certainty.ts"
import { count, difference, duration, metricValue, percent, shortValue } from "../Format.ts"
import { html, type Html, join } from "../Html.ts"
import { say, type Text } from "../Say.ts"
import type { Standing, Standings } from "../Standings.ts"
import { answer, metricName } from "../strings.ts"
import { parametersYaml } from "../Yaml.ts"
import { copyBlock } from "./copyBlock.ts"
import { verdictBadge } from "./verdictBadge.ts"

const deviceOf = (standing: Standing): Text | null => {
  const device = standing.details?.started?.device
  if (device === undefined) return null
  return /^cpu\b/i.test(device) ? answer.cpu : { en: device, zh: device }
}

const gapText = (best: number, other: number): string =>
  `${difference(other - best)}, ${percent(relativeGap(best, other))}`

const certaintySentences = (results: SweepResults, standings: Standings): ReadonlyArray<Html> => {
  const certainty = certaintyOf(results.sweep, standings)
  switch (certainty.kind) {
    case "only":
      return []
    case "unreplicated":
      return [say(answer.noReplicas(certainty.near, percent(nearShare)))]
    case "replicated": {
      const runs = standings.configurations[0]!.standings.length
      return [
        say(answer.replicas(runs, shortValue(certainty.spread))),
        say(
          answer.probability(
            certainty.probability > 0.99 ? `> ${percent(0.99)}` : percent(certainty.probability),
            certainty.certainty,
          ),
        ),
        ...(standings.configurations.length > 2 ? [say(answer.limit)] : []),
      ]
    }
  }
}

const paragraph = (sentences: ReadonlyArray<Html>): Html | null =>
  sentences.length === 0 ? null : html`<p>${join(sentences, " ")}</p>`

const figure = (value: string, label: Html): Html =>
  html`<div>
    <dd>${value}</dd>
    <dt>${label}</dt>
  </div>`

const noAnswer = (standings: Standings): Html => {
  const trials = standings.all.length
  const failed = trials > 0 && standings.all.every((one) => one.trial.state === "failed")
  return html`<section id="answer" class="answer">
    <h2>${say(failed ? answer.allFailed(trials) : answer.none)}</h2>
    <p>${say(failed ? answer.allFailedBody : answer.noneBody(standings.metric))}</p>
  </section>`
}

export const answerSection = (results: SweepResults, standings: Standings): Html => {
  const { best, base, goal, middleHalf } = standings
  if (best === null) return noAnswer(standings)
  const { spec } = results.sweep
  const metric = metricName(standings.metric)
  // With replicas the configuration stands for its runs, and so does its mean.
  const value = standings.configurations[0]!.mean
  const runs = standings.configurations[0]!.standings.length
  const next = standings.configurations[1] ?? null
  const verdict = best.trial.verdict
  const lighter = lighterThan(standings)
  const edges = edgesOf(standings)
  const shared = sharedSteps(results.details)
  const facts = [
    base === null
      ? null
      : say(answer.base(metricValue(base), percent(relativeGap(base, value)), isBetter(goal, value, base))),
    next === null
      ? say(answer.only)
      : say(
          answer.runnerUp(
            next.standings.map((one) => one.trial.number).toSorted((a, b) => a - b),
            metricValue(next.mean),
            gapText(value, next.mean),
          ),
        ),
    middleHalf === null
      ? null
      : say(answer.spread(standings.ranked.length, metricValue(middleHalf[0]), metricValue(middleHalf[1]))),
    best.duration === null
      ? null
      : say(
          answer.cost(
            best.trial.number,
            duration(best.duration),
            deviceOf(best),
            standings.all.length,
            duration(standings.duration),
          ),
        ),
    best.trial.lineage.length === 0
      ? null
      : say(answer.tookOver(Array.from(new Set(best.trial.lineage.map(({ trial }) => trial))))),
    shared === null ? null : say(answer.shared(shared.runs, count(shared.steps), count(shared.of))),
  ].filter((sentence) => sentence !== null)
  const yaml =
    `# ${results.sweep.id}/${best.trial.number} · ${standings.metric} ${metricValue(value)} · seed ${best.trial.seed}\n` +
    parametersYaml(spec.model === "" ? best.trial.parameters : { model: spec.model, ...best.trial.parameters })
  return html`<section id="answer" class="answer">
    <div class="says">
      <p class="kicker">${say(answer.best)}</p>
      <h2>${say(answer.headline(best.trial.number))} ${verdictBadge(verdict)}</h2>
      <dl class="figures">
        ${figure(metricValue(value), say(runs === 1 ? metric : answer.mean(metric, runs)))}
        ${base === null ? null : figure(`${difference(value - base).slice(0, 1)}${percent(relativeGap(base, value))}`, say(answer.againstBase))}
        ${next === null ? null : figure(difference(next.mean - value), say(answer.toRunnerUp))}
        ${best.duration === null ? null : figure(duration(best.duration), say(answer.time))}
      </dl>
      ${paragraph(facts)}
      ${
        verdict?.kind === "overfitting" && verdict.sinceStep !== null
          ? paragraph([say(answer.overfits(count(verdict.sinceStep)))])
          : null
      }
      ${best.trial.state === "stopped" ? paragraph([say(answer.stopped(best.trial.stopReason))]) : null}
      ${
        standings.configurations.length < 2
          ? null
          : html`<h3>${say(answer.howSure)}</h3>
              ${paragraph([
                ...certaintySentences(results, standings),
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
                  gapText(value, lighter.objective!),
                  duration(lighter.duration!),
                ),
              ),
            ])
      }
    </div>
    <div class="yaml">${copyBlock(yaml)}</div>
  </section>`
}
