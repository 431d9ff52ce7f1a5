// The live page's program: which view shows, the language, the theme, and whether the coordinator is there.
import { fill, h } from "./dom.ts"
import { compareView } from "./views/compareView.ts"
import { listView } from "./views/lists.ts"
import { sweepView } from "./views/sweepView.ts"
import { trialView } from "./views/trialView.ts"
import { applyLanguage, applyTheme, switchLanguage, switchTheme, w } from "./words/words.ts"

applyTheme()
applyLanguage()
const app = document.getElementById("app")!
const bar = h("header", { class: "bar" })
const notice = h("p", { class: "away", role: "status", hidden: true })
const main = h("main", { id: "main", tabindex: -1 })
app.append(bar, main)
let shown: { readonly end: () => void; readonly words: () => void } | undefined

const live = h("span", { class: "live", id: "live" })
let gone = true
let message: string | null = null
const away = (said: string | null, isGone: boolean) => {
  gone = isGone
  message = said
  words()
}
const words = () => {
  live.textContent = gone ? "" : w("live")
  live.hidden = gone
  notice.hidden = !gone
  notice.textContent = message ?? w("away")
}
const drawBar = () =>
  fill(
    bar,
    h(
      "a",
      { class: "skip", href: "#main", onclick: (event: Event) => (event.preventDefault(), main.focus()) },
      w("skip"),
    ),
    h("a", { class: "brand", href: "#/" }, "sweep"),
    h("a", { href: "#/", "aria-current": location.hash === "#/hosts" ? null : "page" }, w("sweeps")),
    h("a", { href: "#/hosts", "aria-current": location.hash === "#/hosts" ? "page" : null }, w("hosts")),
    live,
    h("span", { class: "grow" }),
    h(
      "button",
      {
        type: "button",
        id: "theme",
        title: w("theme"),
        "aria-label": w("theme"),
        onclick: () => (switchTheme(), show()),
      },
      "◐",
    ),
    h(
      "button",
      { type: "button", id: "language", onclick: () => (switchLanguage(), drawBar(), words(), shown?.words()) },
      w("language"),
    ),
  )

const show = () => {
  shown?.end()
  const root = h("div")
  fill(main, notice, root)
  const found = /^#\/s\/([a-z0-9-]+)(?:\/(t|compare)\/([\d,]+))?$/.exec(location.hash)
  const [, sweep, kind, rest = ""] = found ?? []
  const numbers = Array.from(
    new Set(
      rest
        .split(",")
        .map(Number)
        .filter((number) => number > 0),
    ),
  ).slice(0, 6)
  drawBar()
  shown =
    sweep === undefined
      ? listView(root, location.hash === "#/hosts" ? "hosts" : "sweeps", away)
      : kind === "t"
        ? trialView(root, sweep, numbers[0] ?? 0, away)
        : kind === "compare"
          ? compareView(root, sweep, numbers, away)
          : sweepView(root, sweep, away)
}
show()
notice.hidden = true
addEventListener("hashchange", () => {
  show()
  scrollTo(0, 0)
})
