// The leader board: trials by any column, filtered, the columns chosen, runs of the same parameters together where asked.
import { bytes, compactDuration, metricValue, parameterValue, shortValue } from "../../../src/Format.ts"
import type { Head, TrialRow } from "../LiveData.ts"
import { fill, h } from "../dom.ts"
import type { Selection } from "../Selection.ts"
import { language, remember, remembered, w } from "../words/words.ts"
import { stateBadge, verdictBadge } from "./badge.ts"

const atFirst = 100
const mostCompared = 6

/** A row of the board: a trial, or all that ran its parameters. */
interface Line {
  readonly row: TrialRow
  readonly all: ReadonlyArray<TrialRow>
  readonly mean: number | null
  readonly deviation: number | null
}
interface Column {
  readonly key: string
  readonly title: string
  readonly isNumber: boolean
  readonly of: (line: Line) => string | number | null
  readonly show?: (line: Line) => Node | string
}

const lineOf = (all: ReadonlyArray<TrialRow>): Line => {
  const values = all.flatMap(({ objective }) => (objective === null ? [] : [objective]))
  const mean = values.length === 0 ? null : values.reduce((a, b) => a + b, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean!) ** 2, 0)
  return { row: all[0]!, all, mean, deviation: values.length < 2 ? null : Math.sqrt(squares / (values.length - 1)) }
}

export class Board {
  readonly #table = h("div", { class: "scroll table long", tabindex: 0, role: "region" })
  readonly #search = h("input", {
    type: "search",
    spellcheck: "false",
    oninput: () => this.#selection.filter(this.#search.value),
  })
  readonly #more = h("button", { type: "button", class: "plain", onclick: () => ((this.#all = true), this.#draw()) })
  readonly #count = h("span", { class: "quiet", role: "status" })
  readonly #tools = h("div", { class: "bar tight" })
  readonly element = h("div", {}, this.#tools, this.#table, this.#more)
  readonly #selection: Selection
  #sort = { key: "objective", down: false }
  #touched = false
  #all = false
  #grouped = false
  #hidden: ReadonlySet<string> = new Set((remembered("columns") ?? "seed step").split(" "))
  #rows: ReadonlyArray<TrialRow> = []
  #names: ReadonlyArray<string> = []
  #head: Head | undefined
  #best: number | null = null

  constructor(selection: Selection) {
    this.#selection = selection
  }

  update(head: Head, rows: ReadonlyArray<TrialRow>, names: ReadonlyArray<string>, best: number | null) {
    if (!this.#touched) this.#sort = { key: "objective", down: head.metric.goal === "maximize" }
    if (this.#head === undefined && head.replicas > 1) this.#grouped = true
    this.#head = head
    this.#rows = rows
    this.#names = names
    this.#best = best
    this.#draw()
  }

  #columns(): ReadonlyArray<Column> {
    const head = this.#head!
    const metrics = new Set(head.metrics.map(({ name }) => name).filter((name) => name !== head.metric.name))
    for (const { values } of this.#rows.slice(0, 20)) for (const name of Object.keys(values)) metrics.add(name)
    metrics.delete(head.metric.name)
    const parameter = (name: string): Column => {
      const of = ({ row }: Line) => {
        const value = row.parameters[name]
        return typeof value === "number" || typeof value === "string"
          ? value
          : value === undefined || value === null
            ? null
            : JSON.stringify(value)
      }
      return {
        key: `p:${name}`,
        title: name,
        of,
        isNumber: this.#rows.some(({ parameters }) => typeof parameters[name] === "number"),
        show: (line) => {
          const value = of(line)
          return value === null ? "–" : h("span", { title: String(value) }, parameterValue(value))
        },
      }
    }
    return [
      {
        key: "objective",
        title: head.metric.name,
        of: ({ mean }) => mean,
        isNumber: true,
        show: ({ mean, deviation }) =>
          mean === null
            ? "–"
            : h(
                "span",
                {},
                h("strong", {}, metricValue(mean)),
                deviation !== null && h("small", {}, ` ± ${shortValue(Number(deviation.toPrecision(2)))}`),
              ),
      },
      {
        key: "state",
        title: w("state"),
        isNumber: false,
        of: ({ row }) => row.state,
        show: ({ row }) => {
          const badge = stateBadge(row.state)
          if (row.why !== null) badge.title = row.why[language()]
          return badge
        },
      },
      {
        key: "verdict",
        title: w("verdict"),
        isNumber: false,
        of: ({ row }) => row.verdict,
        show: ({ row }) => verdictBadge(row.verdict),
      },
      ...this.#names.map(parameter),
      ...Array.from(metrics, (name): Column => {
        const of = ({ row }: Line) => row.values[name] ?? null
        return {
          key: `m:${name}`,
          title: name,
          isNumber: true,
          of,
          show: (line) => {
            const value = of(line)
            return value === null ? "–" : name.endsWith("_bytes") ? bytes(value) : metricValue(value)
          },
        }
      }),
      { key: "step", title: w("step"), isNumber: true, of: ({ row }) => row.step },
      {
        key: "time",
        title: w("time"),
        isNumber: true,
        of: ({ all }) => all.reduce((sum, { ranMs }) => sum + ranMs, 0),
        show: ({ all }) => compactDuration(all.reduce((sum, { ranMs }) => sum + ranMs, 0)),
      },
      { key: "seed", title: w("seed"), isNumber: true, of: ({ row }) => row.seed },
      { key: "host", title: w("host"), isNumber: false, of: ({ row }) => row.agent },
    ]
  }

  #draw() {
    if (this.#head === undefined) return
    const head = this.#head
    this.#table.setAttribute("aria-label", w("board"))
    const every = this.#columns()
    const columns = every.filter(({ key }) =>
      key.startsWith("m:") ? this.#hidden.has(`+${key}`) : !this.#hidden.has(key),
    )
    const { key, down } = this.#sort
    const by = columns.find((column) => column.key === key) ?? columns[0]!
    const kept = this.#rows.filter(this.#selection.keeps)
    const groups: Iterable<ReadonlyArray<TrialRow>> = this.#grouped
      ? Map.groupBy(kept, ({ parameters }) => JSON.stringify(parameters)).values()
      : kept.map((row) => [row])
    const lines = Array.from(groups, lineOf)
      .map((line) => ({ line, at: key === "number" ? line.row.number : by.of(line) }))
      .toSorted(({ at: a }, { at: b }) =>
        a === null || b === null
          ? Number(a === null) - Number(b === null)
          : (a < b ? -1 : a > b ? 1 : 0) * (down ? -1 : 1),
      )
    const shown = this.#all ? lines : lines.slice(0, atFirst)
    this.#more.hidden = shown.length === lines.length
    this.#more.textContent = `${w("more")} (${lines.length})`
    this.#count.textContent = kept.length === this.#rows.length ? "" : `${kept.length} / ${this.#rows.length}`
    this.#drawTools(head, every)
    const focused = document.activeElement?.getAttribute("data-key")
    const heading = (id: string, title: string, isNumber: boolean) =>
      h(
        "th",
        {
          scope: "col",
          class: isNumber ? "number" : null,
          "aria-sort": id === key ? (down ? "descending" : "ascending") : null,
        },
        h("button", { type: "button", "data-key": id, onclick: () => this.#by(id) }, title),
      )
    fill(
      this.#table,
      h(
        "table",
        {},
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            heading("number", w("trial"), false),
            columns.map((column) => heading(column.key, column.title, column.isNumber)),
          ),
        ),
        h(
          "tbody",
          {},
          shown.map(({ line }) => this.#row(line, columns)),
        ),
      ),
      shown.length === 0 && h("p", { class: "quiet empty" }, w("noMatch")),
    )
    if (focused !== null && focused !== undefined) {
      this.#table.querySelector<HTMLElement>(`[data-key="${CSS.escape(focused)}"]`)?.focus()
    }
  }

  #row(line: Line, columns: ReadonlyArray<Column>) {
    const { row, all } = line
    const tick = h("input", {
      type: "checkbox",
      "aria-label": `${w("compare")} #${row.number}`,
      checked: this.#selection.chosen.has(row.number),
      disabled: !this.#selection.chosen.has(row.number) && this.#selection.chosen.size >= mostCompared,
      onchange: () => this.#selection.choose(row.number, tick.checked),
    })
    const links = all.flatMap(({ number }, i) => [
      i > 0 && " ",
      h("a", { class: "pick", href: `#/s/${this.#head!.id}/t/${number}` }, number),
    ])
    return h(
      "tr",
      {
        class: all.some(({ number }) => number === this.#best) ? "best" : null,
        onpointerenter: () => this.#selection.hover(row.number),
        onpointerleave: () => this.#selection.hover(null),
      },
      h("td", { class: "c-trial" }, tick, " ", links.slice(0, 8), links.length > 8 && " …"),
      columns.map((column) => {
        const value = column.of(line)
        return h(
          "td",
          { class: column.isNumber ? "number" : "word" },
          column.show?.(line) ?? (value === null ? "–" : String(value)),
        )
      }),
    )
  }

  #drawTools(head: Head, every: ReadonlyArray<Column>) {
    const { chosen } = this.#selection
    this.#search.placeholder = w("filter")
    this.#search.setAttribute("aria-label", w("filter"))
    const open = this.#tools.querySelector("details")?.open === true
    const grouped = h("input", {
      type: "checkbox",
      checked: this.#grouped,
      onchange: () => ((this.#grouped = grouped.checked), this.#draw()),
    })
    const isShown = ({ key }: Column) => (key.startsWith("m:") ? this.#hidden.has(`+${key}`) : !this.#hidden.has(key))
    const isTyping = document.activeElement === this.#search
    const rest = [
      this.#count,
      h("label", {}, grouped, " ", w("grouped")),
      h(
        "details",
        { class: "menu", open },
        h("summary", {}, w("columns")),
        h(
          "div",
          {},
          every
            .filter(({ key }) => key !== "objective")
            .map((column) =>
              h(
                "label",
                {},
                h("input", { type: "checkbox", checked: isShown(column), onchange: () => this.#toggle(column.key) }),
                " ",
                column.title,
              ),
            ),
        ),
      ),
      h("span", { class: "grow" }),
      chosen.size >= 2
        ? h(
            "a",
            {
              class: "act",
              href: `#/s/${head.id}/compare/${Array.from(chosen)
                .toSorted((a, b) => a - b)
                .join(",")}`,
            },
            `${w("compare")} ${chosen.size}`,
          )
        : h("span", { class: "quiet" }, w("compareHow")),
    ]
    // The field keeps its cursor: it is never taken out of the page.
    if (this.#search.parentElement !== this.#tools) this.#tools.prepend(this.#search)
    while (this.#search.nextSibling !== null) this.#search.nextSibling.remove()
    this.#tools.append(...rest)
    if (isTyping) this.#search.focus()
  }

  #toggle(key: string) {
    const next = new Set(this.#hidden)
    const mark = key.startsWith("m:") ? `+${key}` : key
    if (!next.delete(mark)) next.add(mark)
    this.#hidden = next
    remember("columns", Array.from(next).join(" "))
    this.#draw()
  }

  redraw() {
    this.#draw()
  }

  #by(key: string) {
    this.#touched = true
    this.#sort = { key, down: this.#sort.key === key ? !this.#sort.down : false }
    this.#draw()
  }
}
