// Every trial in one table, best first. Sorting and following a row are the page's program's; the table is whole without.
import { evalLoss } from "@sweep/domain/Curve"
import type { CurvePoint } from "@sweep/domain/Curve"
import { formatTrialRef } from "@sweep/domain/Id"
import { toneColour } from "../charts/Chart.ts"
import { toneOf } from "../charts/curves.ts"
import { frameOf } from "../charts/frame.ts"
import { bytes, compactDuration, count, metricValue, parameterValue, percent } from "../Format.ts"
import { html, type Html, join, type Piece, unsafe } from "../Html.ts"
import { say, type Text } from "../Say.ts"
import type { Standing, Standings } from "../Standings.ts"
import { reasonText } from "../strings/reasonText.ts"
import { board } from "../strings/board.ts"
import { nav } from "../strings/head.ts"
import { metricName } from "../strings/metricName.ts"
import { sparkline } from "./sparkline.ts"
import { stateBadge, verdictBadge } from "./verdictBadge.ts"

interface Column {
  readonly id: string
  readonly title: Html
  readonly numeric: boolean
  /** What the column is sorted by; `null` stays last. */
  readonly sortBy: ((standing: Standing) => number | string | null) | null
  readonly cell: (standing: Standing) => Piece
}

/** Rows; the rest is a query away. */
const mostRows = 500

const none = html`<span class="none">–</span>`
const orNone = <A>(value: A | null | undefined, show: (value: A) => Piece): Piece =>
  value === null || value === undefined ? none : show(value)

const stateOrder = [
  "running",
  "assigned",
  "pending",
  "paused",
  "completed",
  "stopped",
  "failed",
  "infeasible",
  "cancelled",
]

const parameterColumn = (name: string): Column => ({
  id: `p-${name}`,
  // A long name breaks after its underscores and dots.
  title: html`<code${name.length > 16 ? html` class="long"` : null}>${join(name.split(/(?<=[_./-])/), unsafe("<wbr>"))}</code>`,
  numeric: true,
  sortBy: ({ trial }) => {
    const value = trial.parameters[name]
    return value === undefined || value === null ? null : typeof value === "number" ? value : String(value)
  },
  cell: ({ trial }) =>
    orNone(trial.parameters[name] as string | number | boolean | undefined, (value) => {
      const shown = parameterValue(value)
      return shown === String(value) ? shown : html`<span title="${String(value)}">${shown}</span>`
    }),
})

/** How far the last value lies above the best one. */
const rise = (best: CurvePoint, last: CurvePoint): Html | null => {
  const share = last.value / best.value - 1
  return share < 0.0005 || !Number.isFinite(share) ? null : html` <small>+${percent(share)}</small>`
}

const replicated = ({ configurations }: Standings): boolean => configurations.some((one) => one.standings.length > 1)

/** Of all runs of the row's parameters: what sets of parameters are ranked by. */
const meanColumn = (standings: Standings): Column => {
  const of = new Map(
    standings.configurations.flatMap((one) => one.standings.map(({ trial }) => [trial.number, one] as const)),
  )
  return {
    id: "mean",
    title: say(board.mean),
    numeric: true,
    sortBy: ({ trial }) => of.get(trial.number)?.mean ?? null,
    cell: ({ trial }) =>
      orNone(of.get(trial.number), ({ mean, deviation }) =>
        deviation === null ? metricValue(mean) : html`${metricValue(mean)} <small>± ${metricValue(deviation)}</small>`,
      ),
  }
}

/** An attribute has no markup to switch its language. */
const bothLanguages = ({ en, zh }: { readonly en: string; readonly zh: string }): string =>
  en === zh ? en : `${en}\n${zh}`

const stateOf = ({ trial }: Standing): Html =>
  trial.stopReason === null
    ? stateBadge(trial.state)
    : html`<span title="${bothLanguages(reasonText(trial.stopReason))}">${stateBadge(trial.state)}</span>`

/** What of its result is another trial's. */
const noteOf = ({ trial, details }: Standing): Html | null => {
  const note = (text: Text) => html` <small>${say(text)}</small>`
  if (trial.reusedFrom !== null) return note(board.reused(formatTrialRef(trial.reusedFrom)))
  const takeover = trial.lineage.at(-1)
  if (takeover !== undefined) return note(board.wentOn(takeover.trial, count(takeover.step)))
  const steps = details?.started?.shared_steps ?? 0
  return steps === 0 ? null : note(board.wentOn(details?.started?.shared_from ?? null, count(steps)))
}

const columnsOf = (standings: Standings): ReadonlyArray<Column> => {
  const metric = standings.metric
  const lastStep = standings.all.reduce(
    (most, one) => Math.max(most, (one.curves.get(metric) ?? one.curves.get(evalLoss))?.at(-1)?.step ?? 0),
    0,
  )
  const curveOf = (one: Standing) => one.curves.get(metric) ?? one.curves.get(evalLoss) ?? []
  const frame = frameOf(standings.all.flatMap((one) => curveOf(one).map((point) => point.value)))
  const plain = (
    id: string,
    text: Text,
    value: (one: Standing) => number | null | undefined,
    show: (value: number, one: Standing) => Piece,
  ): Column => ({
    id,
    title: say(text),
    numeric: true,
    sortBy: (one) => value(one) ?? null,
    cell: (one) => orNone(value(one), (known) => show(known, one)),
  })
  return [
    {
      id: "trial",
      title: say(board.trial),
      numeric: true,
      sortBy: (one) => one.trial.number,
      cell: (one) =>
        html`<button type="button" class="pick" data-pick="${one.trial.number}">${one.trial.number}</button>`,
    },
    ...standings.varying.map(parameterColumn),
    plain(
      "objective",
      metricName(metric),
      (one) => one.objective,
      (value) => html`<strong>${metricValue(value)}</strong>`,
    ),
    ...(replicated(standings) ? [meanColumn(standings)] : []),
    {
      id: "curve",
      title: say(board.curve),
      numeric: false,
      sortBy: null,
      cell: (one) =>
        sparkline(curveOf(one), frame, lastStep, toneColour(toneOf(one)), metric === evalLoss ? one.bestEval : null) ??
        none,
    },
    {
      id: "verdict",
      title: say(board.verdict),
      numeric: false,
      sortBy: (one) => one.trial.verdict?.kind ?? null,
      cell: (one) => verdictBadge(one.trial.verdict),
    },
    ...(metric === evalLoss
      ? []
      : [
          plain(
            "best-eval",
            board.best,
            (one) => one.bestEval?.value,
            (value) => metricValue(value),
          ),
        ]),
    plain(
      "last-eval",
      board.last,
      (one) => one.lastEval?.value,
      (value, one) => html`${metricValue(value)}${one.bestEval === null ? null : rise(one.bestEval, one.lastEval!)}`,
    ),
    plain(
      "train",
      board.train,
      (one) => one.lastTrain?.value,
      (value) => metricValue(value),
    ),
    {
      id: "state",
      title: say(board.state),
      numeric: false,
      sortBy: (one) => stateOrder.indexOf(one.trial.state),
      cell: (one) => html`${stateOf(one)}${noteOf(one)}`,
    },
    plain("time", board.time, (one) => one.duration, compactDuration),
    plain("memory", board.memory, (one) => one.peakBytes, bytes),
    plain("speed", board.speed, (one) => one.tokensPerSecond, count),
    plain(
      "attempts",
      board.attempts,
      (one) => (one.trial.attempt === 0 ? null : one.trial.attempt),
      (value) => value,
    ),
  ]
}

/** Columns that say nothing (no trial reported it) are left out. */
const worthShowing = (column: Column, standings: Standings): boolean =>
  column.sortBy === null || standings.all.some((standing) => column.sortBy!(standing) !== null)

const constantsOf = (standings: Standings): ReadonlyArray<Html> => {
  const varying = new Set(standings.varying)
  return Object.entries(standings.all[0]?.trial.parameters ?? {})
    .filter(([name]) => !varying.has(name))
    .map(([name, value]) => html`<code>${name}: ${parameterValue(value)}</code>`)
}

export const leaderBoardSection = (standings: Standings): Html => {
  if (standings.all.length === 0) {
    return html`<section id="board">
      <h2>${say(nav.board)}</h2>
      <p>${say(board.none)}</p>
    </section>`
  }
  const columns = columnsOf(standings).filter((column) => worthShowing(column, standings))
  const constants = constantsOf(standings)
  const byMean = replicated(standings)
  const metric = metricName(standings.metric)
  const rows = byMean
    ? [
        ...standings.configurations.flatMap((one) => one.standings),
        ...standings.all.filter(({ objective }) => objective === null),
      ]
    : standings.all
  const header = columns.map((column) =>
    column.sortBy === null
      ? html`<th scope="col">${column.title}</th>`
      : html`<th
          scope="col"
          class="${column.numeric ? "number" : "word"}"
          ${column.id === (byMean ? "mean" : "objective") ? html` aria-sort="${standings.goal === "minimize" ? "ascending" : "descending"}"` : null}
        >
          <button type="button" data-sort>${column.title}</button>
        </th>`,
  )
  const row = (standing: Standing): Html => {
    const cells = columns.map((column) => {
      const by = column.sortBy?.(standing) ?? null
      const sort = by === null ? null : html` data-v="${by}"`
      const kind = column.numeric && typeof by !== "string" ? "number" : "word"
      return html`<td class="${kind} c-${column.id === "trial" ? "trial" : "any"}" ${sort}>
        ${column.cell(standing)}
      </td>`
    })
    const best = standing.trial.number === standings.best?.trial.number
    return html`<tr data-trial="${standing.trial.number}" ${best ? html` class="best"` : null}>
      ${cells}
    </tr>`
  }
  return html`<section id="board">
    <h2>${say(nav.board)}</h2>
    <p class="lead">
      ${say(board.lead(standings.ranked.length, standings.all.length, byMean ? board.meanOf(metric) : metric, standings.goal))}
    </p>
    <div
      class="scroll table${standings.all.length > 30 ? " long" : ""}"
      tabindex="0"
      role="region"
      aria-label="Leader board"
    >
      <table data-sortable>
        <thead>
          <tr>
            ${header}
          </tr>
        </thead>
        <tbody>
          ${rows.slice(0, mostRows).map(row)}
        </tbody>
      </table>
    </div>
    ${rows.length <= mostRows ? null : html`<p class="note">${say(board.most(mostRows, rows.length))}</p>`}
    ${constants.length === 0 ? null : html`<p class="note">${say(board.constant)} ${join(constants, " ")}</p>`}
  </section>`
}
