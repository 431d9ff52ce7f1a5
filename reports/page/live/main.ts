// The live page's program: which view shows, the language, the theme, and whether the coordinator is there.
import { fill, h } from "./dom.ts"
import { listView } from "./lists.ts"
import { sweepView } from "./sweepView.ts"
import { trialView } from "./trialView.ts"
import { applyLanguage, applyTheme, switchLanguage, switchTheme, w } from "./words.ts"

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
  live.textContent = gone ? "" : `● ${w("live")}`
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
    h("strong", {}, "sweep"),
    h("a", { href: "#/" }, w("sweeps")),
    h("a", { href: "#/hosts" }, w("hosts")),
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
  const sweep = /^#\/s\/([a-z0-9-]+)(?:\/t\/(\d+))?$/.exec(location.hash)
  shown =
    sweep === null
      ? listView(root, location.hash === "#/hosts" ? "hosts" : "sweeps", away)
      : sweep[2] === undefined
        ? sweepView(root, sweep[1]!, away)
        : trialView(root, sweep[1]!, Number(sweep[2]), away)
}
drawBar()
show()
notice.hidden = true
addEventListener("hashchange", () => {
  show()
  scrollTo(0, 0)
})
