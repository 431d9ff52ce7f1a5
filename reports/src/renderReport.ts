// One sweep as one HTML file that needs nothing else: no network, no folder beside it. Owns the order of the page and its
// head; each section is a file of its own. Rendering reads nothing and decides nothing: the same input gives the same text.
import { createHash } from "node:crypto"
import { answerOf } from "@sweep/diagnosis/answer"
import { analyseImportance, type Importance, type ParameterImportance } from "@sweep/diagnosis/importance"
import type { SweepResults } from "@sweep/domain/SweepResults"
import { type ChartWithPicture, compileCharts } from "./charts/compileCharts.ts"
import { pack } from "./charts/pack.ts"
import { figureOf } from "./figure.ts"
import { instant, metricValue } from "./Format.ts"
import { html, type Html, plain, scriptJson, unsafe } from "./Html.ts"
import type { PageData } from "./PageData.ts"
import type { ReportExtras } from "./ReportInput.ts"
import { say } from "./Say.ts"
import { reasonText } from "./strings/reasonText.ts"
import { frontSection } from "./sections/front.ts"
import { answerSection } from "./sections/answer.ts"
import { curveCharts, curvesSection } from "./sections/curves.ts"
import { diagnosisSection, flaggedTrials } from "./sections/diagnosis.ts"
import { failuresSection } from "./sections/failures.ts"
import { historySection } from "./sections/history.ts"
import { lineageSection } from "./sections/lineage.ts"
import { leaderBoardSection } from "./sections/leaderBoard.ts"
import { parameterCharts, parametersSection } from "./sections/parameters.ts"
import { reproduceSection } from "./sections/reproduce.ts"
import { retainedSection } from "./sections/retained.ts"
import { samplesSection } from "./sections/samples.ts"
import { variantsSection } from "./sections/variants.ts"
import { type Standings, standingsOf } from "./Standings.ts"
import { toneOf } from "./charts/curves.ts"
import { footer, header, nav, page } from "./strings/head.ts"
import { verdicts } from "./strings/states.ts"
import { style } from "./style.ts"

/** Everything that is drawn for `results`, before it is drawn; for tests of the specifications. */
export const chartsOf = (
  results: SweepResults,
  standings: Standings,
  importance: ReadonlyArray<ParameterImportance>,
) => {
  const curves = curveCharts(standings)
  const parameters = parameterCharts(standings, results.sweep.spec.space, importance)
  const flagged = flaggedTrials(standings)
  const all: ReadonlyArray<ChartWithPicture> = [
    ...curves.charts,
    ...parameters.heats.map((chart) => ({ chart, picture: chart })),
  ]
  return { curves, parameters, flagged, all }
}

/** Of the text between the tags to the letter: a space more, and the browser refuses the script. */
const hash = (script: string): string => `'sha256-${createHash("sha256").update(script).digest("base64")}'`

/** Text of a script cannot hold the end of its element; in JavaScript `<\/` and `<\!` mean the same within strings. */
const scriptText = (script: string): string =>
  script
    .replace(/\r\n?/g, "\n")
    .replace(/<\/(?=script)/gi, "<\\/")
    .replace(/<!--/g, "<\\!--")

/** Trials of which a tooltip says the parameters, the best first: of thousands that would be most of the page. */
const mostTooltips = 2_000

const pageData = (standings: Standings, compiled: Awaited<ReturnType<typeof compileCharts>>): PageData => ({
  specs: compiled.specs,
  charts: compiled.charts.map(({ chart, spec }) => ({
    id: chart.id,
    spec,
    lines: chart.lines,
    measure: chart.measure,
    signals: chart.signals,
    data: Object.entries(chart.data).map(([name, rows]) => ({ name, columns: pack(rows) })),
  })),
  trials: standings.all.slice(0, mostTooltips).map((standing) => ({
    trial: standing.trial.number,
    tone: toneOf(standing),
    objective: standing.objective === null ? null : metricValue(standing.objective),
    parameters: standings.varying.flatMap((name) => {
      const value = standing.trial.parameters[name]
      return value === undefined ? [] : [[plain(name), typeof value === "string" ? plain(value) : value] as const]
    }),
  })),
  words: {
    ...page,
    verdicts: Object.fromEntries(
      Object.entries(verdicts).map(([kind, text]) => [kind, { en: String(text.en), zh: String(text.zh) }]),
    ),
  },
})

const heading = (results: SweepResults, standings: Standings): Html => {
  const { sweep } = results
  const { spec } = sweep
  const { learned = [] } = spec
  const reused = standings.all.filter((standing) => standing.trial.reusedFrom !== null).length
  return html`<header class="top">
    <div class="line">
      <p class="kicker">${say(header.kicker)}</p>
      <button type="button" class="language js" data-language>${say(header.language)}</button>
    </div>
    <h1>${spec.name}</h1>
    ${spec.description.trim() === "" ? null : html`<p class="description">${spec.description}</p>`}
    <p class="meta">
      <span>${say(header.trials(standings.all.length))}</span>
      <span><code>${spec.method}</code></span>
      ${spec.model === "" ? null : html`<span><code>${spec.model.replace(/\/+$/, "").split("/").slice(-2).join("/")}</code></span>`}
      <span
        >${say(sweep.reason === null ? header.status[sweep.status] : header.because(header.status[sweep.status], reasonText(sweep.reason)))}</span
      >
      <span>${say(header.at(instant(results.at)))}</span>
    </p>
    ${learned.length === 0 ? null : html`<p class="notice">${say(header.learned(learned.length, Array.from(new Set(learned.map((one) => one.sweep))).join(", ")))}</p>`}
    ${reused === 0 ? null : html`<p class="notice">${say(header.reused(reused))}</p>`}
    ${standings.open === 0 ? null : html`<p class="notice">${say(header.unfinished(standings.open))}</p>`}
    <nav aria-label="Sections">
      ${Object.entries(nav).map(([id, text]) => html`<a href="#${id}">${say(text)}</a> `)}
    </nav>
  </header>`
}

/**
 * The report of a sweep, at any time of its life. `extras.runtime` comes from `loadRuntime()`.
 * The file of 14 trials is about 0.8 MB, most of it the runtime; of 100 trials about 2 MB.
 */
export const renderReport = async (results: SweepResults, extras: ReportExtras): Promise<string> => {
  const standings = standingsOf(results)
  const found: Importance = analyseImportance(results.sweep)
  const answer = answerOf(results.sweep, results.at)
  const { parameters: importance, interactions } = found._tag === "Known" ? found : { parameters: [], interactions: [] }
  const charts = chartsOf(results, standings, importance)
  const compiled = await compileCharts(charts.all)
  const figure = figureOf(new Map(compiled.charts.map(({ chart, svg }) => [chart.id, svg])))
  const script = scriptText(extras.runtime)
  const policy =
    `default-src 'none'; script-src ${hash(script)}; style-src 'unsafe-inline'; img-src data:; ` +
    `base-uri 'none'; form-action 'none'`
  const { versions = {} } = extras
  const title = `${results.sweep.spec.name} · sweep`
  const markup = html`<!doctype html>
    <html lang="en" class="no-js">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="referrer" content="no-referrer" />
        <meta name="generator" content="sweep" />
        <title>${title}</title>
        <link rel="icon" href="data:," />
        ${unsafe(`<style>${style}</style>`)}
      </head>
      <body>
        <main>
          ${heading(results, standings)} ${answerSection(results, standings, answer)} ${frontSection(answer, standings)}
          ${leaderBoardSection(standings)} ${variantsSection(standings)} ${lineageSection(standings)}
          ${historySection(standings)} ${curvesSection(charts.curves, standings, figure)}
          ${parametersSection(charts.parameters, standings, importance, interactions, figure)}
          ${diagnosisSection(charts.flagged, standings)} ${retainedSection(standings)}
          ${samplesSection(results, standings)} ${failuresSection(standings, extras.logs)}
          ${reproduceSection(results, standings, extras)}
        </main>
        <footer>
          <p>${say(footer.made(versions["sweep"] ?? results.sweep.versions["sweep"] ?? null, instant(results.at)))}</p>
        </footer>
        <div id="tooltip" role="status" hidden></div>
        ${unsafe(`<script type="application/json" id="data">${scriptJson(pageData(standings, compiled)).markup}</script>`)}
        ${unsafe(`<script>${script}</script>`)}
      </body>
    </html> `
  return markup.markup
}
