// The leader board: trials by any column, filtered, the swept parameters as columns.
import type { Head, TrialRow } from "./LiveData.ts"
import { fill, h } from "./dom.ts"
import { duration, named, number, w } from "./words.ts"

const atFirst = 200

interface Column {
  readonly key: string
  readonly title: string
  readonly of: (row: TrialRow) => string | number | null
  readonly show?: (row: TrialRow) => string
  readonly isNumber?: boolean
}

const varying = (rows: ReadonlyArray<TrialRow>): ReadonlyArray<string> => {
  const names = new Set(rows.flatMap(({ parameters }) => Object.keys(parameters)))
  return Array.from(names).filter(
    (name) => new Set(rows.map(({ parameters }) => JSON.stringify(parameters[name]))).size > 1,
  )
}

/** Words that all have to be in the row; `name=value` compares a parameter. */
const matches = (row: TrialRow, words: ReadonlyArray<string>): boolean => {
  const text = [
    `#${row.number}`,
    row.state,
    named(row.state),
    row.verdict ?? "",
    named(row.verdict ?? ""),
    row.agent ?? "",
    ...Object.values(row.parameters).map(String),
  ]
    .join(" ")
    .toLowerCase()
  return words.every((word) => {
    const [name, value] = word.split("=")
    return value === undefined
      ? text.includes(word)
      : number(row.parameters[name!] ?? "") === value || String(row.parameters[name!]) === value
  })
}

export class Board {
  readonly #table = h("div", { class: "scroll", tabindex: 0 })
  readonly #search = h("input", { type: "search", oninput: () => this.#draw() })
  readonly #more = h("button", { type: "button", onclick: () => ((this.#all = true), this.#draw()) })
  readonly element = h("div", {}, h("div", { class: "tools" }, this.#search), this.#table, this.#more)
  #sort = { key: "objective", down: false }
  #touched = false
  #all = false
  #rows: ReadonlyArray<TrialRow> = []
  #head: Head | undefined
  #best: number | null = null

  update(head: Head, rows: ReadonlyArray<TrialRow>, best: number | null) {
    if (!this.#touched) this.#sort = { key: "objective", down: head.metric.goal === "maximize" }
    this.#head = head
    this.#rows = rows
    this.#best = best
    this.#draw()
  }

  #columns(): ReadonlyArray<Column> {
    return [
      { key: "number", title: w("trial"), of: (row) => row.number, show: (row) => `#${row.number}` },
      { key: "objective", title: this.#head!.metric.name, of: (row) => row.objective, isNumber: true },
      { key: "state", title: w("state"), of: (row) => row.state, show: (row) => named(row.state) },
      { key: "verdict", title: w("verdict"), of: (row) => row.verdict, show: (row) => named(row.verdict ?? "") },
      ...varying(this.#rows).map((name): Column => {
        const of = (row: TrialRow) => {
          const value = row.parameters[name]
          return typeof value === "number" || typeof value === "string"
            ? value
            : value === undefined
              ? null
              : JSON.stringify(value)
        }
        return { key: `p:${name}`, title: name, of, isNumber: typeof this.#rows[0]?.parameters[name] === "number" }
      }),
      { key: "step", title: w("step"), of: (row) => row.step, isNumber: true },
      { key: "time", title: w("time"), of: (row) => row.ranMs, show: (row) => duration(row.ranMs), isNumber: true },
      { key: "host", title: w("host"), of: (row) => row.agent },
    ]
  }

  #draw() {
    if (this.#head === undefined) return
    this.#search.placeholder = w("filter")
    this.#search.setAttribute("aria-label", w("filter"))
    this.#table.setAttribute("aria-label", w("board"))
    const columns = this.#columns()
    const { key, down } = this.#sort
    const by = columns.find((column) => column.key === key) ?? columns[0]!
    const words = this.#search.value
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== "")
    const rows = this.#rows
      .filter((row) => matches(row, words))
      .map((row) => ({ row, at: by.of(row) }))
      .toSorted(({ at: a }, { at: b }) =>
        a === null || b === null
          ? Number(a === null) - Number(b === null)
          : (a < b ? -1 : a > b ? 1 : 0) * (down ? -1 : 1),
      )
    const shown = this.#all ? rows : rows.slice(0, atFirst)
    this.#more.hidden = shown.length === rows.length
    this.#more.textContent = `${w("more")} (${rows.length})`
    const focused = document.activeElement?.getAttribute("data-key")
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
            columns.map((column) =>
              h(
                "th",
                { scope: "col", "aria-sort": column.key === key ? (down ? "descending" : "ascending") : null },
                h(
                  "button",
                  { type: "button", "data-key": column.key, onclick: () => this.#by(column.key) },
                  column.title,
                ),
              ),
            ),
          ),
        ),
        h(
          "tbody",
          {},
          shown.map(({ row }) =>
            h(
              "tr",
              { class: row.number === this.#best ? "best" : null },
              columns.map((column) => {
                const value = column.of(row)
                const text = column.show?.(row) ?? (value === null ? "–" : number(value))
                const tone = column.key === "state" ? row.state : column.key === "verdict" ? `v-${row.verdict}` : ""
                return h(
                  "td",
                  {
                    class: `${column.isNumber === true ? "number" : ""} ${tone}`,
                    title: column.key === "state" ? row.why : text,
                  },
                  column.key === "number" ? h("a", { href: `#/s/${this.#head!.id}/t/${row.number}` }, text) : text,
                )
              }),
            ),
          ),
        ),
      ),
    )
    if (focused !== null && focused !== undefined) {
      this.#table.querySelector<HTMLElement>(`[data-key="${CSS.escape(focused)}"]`)?.focus()
    }
  }

  #by(key: string) {
    this.#touched = true
    this.#sort = { key, down: this.#sort.key === key ? !this.#sort.down : false }
    this.#draw()
  }
}
