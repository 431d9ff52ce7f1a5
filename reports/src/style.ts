// The look of the page, on screens of any width, light and dark, and on paper. Charts take their colours from the same
// variables. The palette is made from Okabe and Ito's (2008), which people with any colour vision can tell apart;
// darkened for text on white and lightened for text on black, each at a contrast of at least 4.5 : 1.

const light = `
  color-scheme: light;
  --paper: #fdfdfb; --raised: #f5f5f1; --ink: #1c1d1f; --quiet: #62656b; --rule: #e7e6e0; --rule-strong: #c9c8c1;
  --accent: #1f5f99; --on-accent: #ffffff; --on-half: #1c1d1f; --mark: #fff3d6;
  --healthy: #0067a5; --overfitting: #c24e00; --underfitting: #8a6500; --diverged: #a8387f; --plateaued: #00785a;
  --inconclusive: #6c6f75;`

const dark = `
  color-scheme: dark;
  --paper: #141619; --raised: #1d2024; --ink: #e9e7e1; --quiet: #9da1a8; --rule: #2a2d32; --rule-strong: #464a51;
  --accent: #8cc4f0; --on-accent: #10202e; --on-half: #10202e; --mark: #3a3013;
  --healthy: #6cb8ee; --overfitting: #ff9757; --underfitting: #e2bd4a; --diverged: #ea93c8; --plateaued: #4fcfa6;
  --inconclusive: #9da1a8;`

/** The colours, for the live page as well. */
export const palettes = { light, dark }

/** Families that need no download. */
export const fonts = `
  --sans: ui-sans-serif, system-ui, -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, "PingFang SC",
    "Hiragino Sans GB", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif;
  --serif: "Iowan Old Style", Charter, "Source Serif 4", Cambria, Georgia, "Noto Serif", "Songti SC", SimSun,
    "Noto Serif CJK SC", serif;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "Noto Sans Mono", "DejaVu Sans Mono", monospace;
`

/** What the report and the live page share. */
export const shared = `
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-padding-top: 1rem; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 var(--sans); overflow-wrap: break-word; }
main, footer { max-width: 74rem; margin: 0 auto; padding: 0 clamp(1rem, 4vw, 2.5rem); }
main { padding-top: clamp(1.25rem, 4vw, 3rem); }
html[lang="en"] [lang="zh"], html[lang="zh"] [lang="en"] { display: none; }
.no-js .js { display: none !important; }
h1, h2 { font-family: var(--serif); font-weight: 500; line-height: 1.15; margin: 0; text-wrap: balance; letter-spacing: -0.01em; }
h1 { font-size: clamp(1.9rem, 5vw, 2.75rem); overflow-wrap: anywhere; }
h2 { font-size: clamp(1.5rem, 3.4vw, 1.9rem); margin-bottom: 0.75rem; }
h3 { font-size: 1rem; font-weight: 600; margin: 1.5rem 0 0.5rem; }
h4 { font-size: 0.8125rem; font-weight: 600; color: var(--quiet); margin: 1rem 0 0.25rem; }
p { margin: 0 0 0.75rem; max-width: 44rem; }
a { color: var(--accent); text-underline-offset: 0.18em; }
code, pre { font-family: var(--mono); font-size: 0.875em; font-variant-ligatures: none; }
code { overflow-wrap: anywhere; }
small { font-size: 0.8125em; color: var(--quiet); }
strong { font-weight: 650; }
ul, ol { margin: 0; padding-left: 1.25rem; }
ul.plain { list-style: none; padding: 0; }
ul.plain > li { padding: 0.75rem 0; border-top: 1px solid var(--rule); }
button { font: inherit; color: inherit; background: none; border: 0; padding: 0; cursor: pointer; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
[hidden] { display: none !important; }
section { margin-top: clamp(2.75rem, 7vw, 4.5rem); }
.quiet, .lead, .note { color: var(--quiet); }
.note { font-size: 0.875rem; }
.none { color: var(--quiet); }
.kicker { font-size: 0.8125rem; color: var(--quiet); margin: 0 0 0.25rem; }

.top .line { display: flex; justify-content: space-between; align-items: baseline; gap: 1rem; }
.top .description { font-size: 1.0625rem; color: var(--quiet); margin: 0.5rem 0 0; }
.meta { display: flex; flex-wrap: wrap; gap: 0.15rem 0; margin: 0.75rem 0 0; font-size: 0.875rem; color: var(--quiet); max-width: none; }
.meta span:not([lang]) { white-space: nowrap; max-width: 100%; }
.meta > span { margin-right: 1.4em; position: relative; }
.meta > span:not(:last-child)::after { content: "·"; position: absolute; right: -0.85em; }
.language { border: 1px solid var(--rule-strong); border-radius: 99px; padding: 0.1rem 0.8rem; font-size: 0.8125rem; }
.language:hover { border-color: var(--ink); }
.notice { background: var(--mark); padding: 0.5rem 0.875rem; border-radius: 4px; margin: 1rem 0 0; max-width: none; }
nav { display: flex; flex-wrap: wrap; gap: 0.1rem 1.25rem; margin-top: 1.25rem; padding: 0.6rem 0; border-top: 1px solid var(--rule); border-bottom: 1px solid var(--rule); font-size: 0.875rem; }
nav a { text-decoration: none; color: var(--quiet); padding: 0.15rem 0; }
nav a:hover { color: var(--ink); text-decoration: underline; }

.answer { margin-top: clamp(1.75rem, 4vw, 2.75rem); display: grid; grid-template-columns: minmax(0, 1.45fr) minmax(0, 1fr); gap: 1.5rem clamp(1.5rem, 4vw, 3.5rem); align-items: start; }
.answer > :only-child, .answer > h2, .answer > h2 ~ p { grid-column: 1 / -1; }
.answer h2 { font-size: clamp(1.75rem, 4.4vw, 2.4rem); display: flex; flex-wrap: wrap; align-items: center; gap: 0.25rem 0.9rem; margin: 0; }
.answer h2 .badge { font-family: var(--sans); letter-spacing: 0; }
.figures { display: flex; flex-wrap: wrap; gap: 0.75rem clamp(1.25rem, 3vw, 2.25rem); margin: 1.1rem 0 1.25rem; }
.figures div { display: flex; flex-direction: column; }
.figures dd { margin: 0; font-size: 1.375rem; line-height: 1.3; font-variant-numeric: tabular-nums; white-space: nowrap; }
.figures div:first-child dd { font-weight: 650; }
.figures dt { font-size: 0.8125rem; color: var(--quiet); }
.answer h3 { margin: 1.25rem 0 0.25rem; }
.yaml pre { min-height: 9rem; }

.copy { position: relative; }
pre { margin: 0; background: var(--raised); border: 1px solid var(--rule); border-radius: 6px; padding: 0.9rem 1rem; overflow: auto; line-height: 1.6; max-height: 32rem; tab-size: 2; }
pre code { overflow-wrap: normal; font-size: 1em; }
pre { font-size: 0.8125rem; }
.copy > button { position: absolute; top: 0.5rem; right: 0.5rem; font-size: 0.75rem; padding: 0.15rem 0.7rem; border-radius: 99px; border: 1px solid var(--rule-strong); background: var(--paper); }
.copy > button:hover { border-color: var(--ink); }
.copy .done, .copy .copied .idle { display: none; }
.copy .copied .done { display: inline; }
.copy:has(> button) pre { padding-top: 2.4rem; }
.no-js .copy pre { padding-top: 0.9rem !important; }

.badge, .chip { display: inline-flex; align-items: center; gap: 0.4em; white-space: nowrap; font-size: 0.8125rem; font-weight: 500; line-height: 1.4; }
.badge { color: var(--tone, var(--quiet)); }
.sign { font-size: 0.85em; line-height: 1; }
.badge.healthy, .chip.healthy { --tone: var(--healthy); }
.badge.overfitting, .chip.overfitting { --tone: var(--overfitting); }
.badge.underfitting, .chip.underfitting { --tone: var(--underfitting); }
.badge.diverged, .chip.diverged { --tone: var(--diverged); }
.badge.plateaued, .chip.plateaued { --tone: var(--plateaued); }
.badge.inconclusive, .chip.inconclusive { --tone: var(--inconclusive); }
.answer .badge { font-size: 0.9375rem; }
.chip { color: var(--tone); border: 1px solid color-mix(in srgb, var(--tone) 45%, transparent); border-radius: 99px; padding: 0.15rem 0.75rem; }
.chip[aria-pressed="false"] { color: var(--quiet); border-color: var(--rule); text-decoration: line-through; }
.no-js .chip { cursor: default; }
.state { white-space: nowrap; color: var(--quiet); font-size: 0.8125rem; }
.state.failed, .state.infeasible { color: var(--overfitting); font-weight: 600; }
.state.running, .state.assigned { color: var(--accent); font-weight: 600; }

.scroll { overflow-x: auto; overscroll-behavior-x: contain; }
.table { border: solid var(--rule); border-width: 1px 0; margin: 0 calc(-1 * clamp(1rem, 4vw, 2.5rem)); padding: 0 clamp(1rem, 4vw, 2.5rem); }
.table.long { max-height: 80vh; overflow-y: auto; }
table { border-collapse: separate; border-spacing: 0; width: 100%; font-size: 0.8125rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.4rem 0.5rem; white-space: nowrap; text-align: left; border-top: 1px solid var(--rule); background: var(--paper); }
td.word { max-width: 16rem; overflow: hidden; text-overflow: ellipsis; }
thead th { border-top: 0; border-bottom: 1px solid var(--rule-strong); position: sticky; top: 0; z-index: 2; font-weight: 500; font-size: 0.8125rem; color: var(--quiet); vertical-align: bottom; white-space: normal; line-height: 1.25; }
th.number { text-align: right; }
th button { text-align: inherit; }
th code.long { min-width: 9rem; }
th code { font-size: 0.95em; display: inline-block; max-width: 11rem; overflow: hidden; text-overflow: ellipsis; vertical-align: bottom; overflow-wrap: normal; }
tbody tr:first-child td { border-top: 0; }
.number { text-align: right; }
th button[data-sort] { display: inline-flex; align-items: baseline; gap: 0.3em; }
.no-js th button { cursor: default; }
html:not(.no-js) th button:hover { color: var(--ink); }
th[aria-sort] button::after { content: "↑"; }
th[aria-sort="descending"] button::after { content: "↓"; }
th[aria-sort] { color: var(--ink); }
tr.best td { background: color-mix(in srgb, var(--accent) 9%, var(--paper)); }
html:not(.no-js) tbody tr { cursor: pointer; }
html:not(.no-js) tbody tr:hover td { background: var(--raised); }
tr.held td, html:not(.no-js) tbody tr.held:hover td { background: color-mix(in srgb, var(--accent) 20%, var(--paper)); }
th:first-child, td.c-trial { position: sticky; left: 0; z-index: 1; }
thead th:first-child { z-index: 3; }
.pick { display: inline-block; min-width: 1.9em; padding: 0 0.4em; border: 1px solid var(--rule-strong); border-radius: 4px; background: var(--paper); font-size: 0.8125rem; font-variant-numeric: tabular-nums; text-align: center; font-weight: 500; line-height: 1.55; }
.no-js .pick { cursor: default; }
html:not(.no-js) .pick:hover { border-color: var(--ink); }
.spark { display: block; overflow: visible; }
.spark polyline { fill: none; stroke-width: 1.4; stroke-linejoin: round; vector-effect: non-scaling-stroke; }

figure { margin: 1.5rem 0 0; min-width: 0; }
figcaption { display: flex; justify-content: space-between; align-items: baseline; gap: 1rem; margin-bottom: 0.35rem; }
figcaption h3 { margin: 0; min-width: 0; } figcaption h3 .quiet { font-weight: 400; }
.chart { min-width: 0; position: relative; }
.chart svg { display: block; max-width: 100%; height: auto; overflow: visible; }
.chart.focused .lines_marks { opacity: 0.2; }
.chart.focused .leader_marks { opacity: 0.35; }
.chart > svg { width: 100%; }
.bar { display: flex; flex-wrap: wrap; gap: 0.5rem 1rem; align-items: center; }
.legend { display: flex; flex-wrap: wrap; gap: 0.4rem; }
.tools { display: inline-flex; gap: 0.25rem; flex: none; }
.tools button, .release { font-size: 0.8125rem; line-height: 1.4; min-width: 1.9rem; padding: 0.1rem 0.6rem; border: 1px solid var(--rule-strong); border-radius: 99px; color: var(--quiet); }
.tools button:hover, .release:hover { color: var(--ink); border-color: var(--ink); }
.grid.maps { grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); margin: 1.5rem 0 0.5rem; }
.heat { max-width: 44rem; }
.grid { display: grid; gap: 1.5rem clamp(1.25rem, 3vw, 2.5rem); }
.grid > * { min-width: 0; margin-top: 0; }
.grid.small { grid-template-columns: repeat(auto-fill, minmax(min(100%, 18.5rem), 1fr)); margin-top: 1.75rem; }
.grid.small.even { grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr)); }
.grid.two { grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); }
.grid.two h3:first-child { margin-top: 0; }
.grid.cards { grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); margin-top: 1.25rem; gap: 2.25rem clamp(1.5rem, 4vw, 3rem); }
.card { border-top: 1px solid var(--rule-strong); padding-top: 0.9rem; }
.card header h3 { margin: 0 0 0.25rem; display: flex; flex-wrap: wrap; gap: 0.25rem 0.75rem; align-items: center; font-weight: 500; }
.card .chart { margin: 0.5rem 0; }
.pairs { font-size: 0.8125rem; margin: 0 0 0.25rem; }
.pair { white-space: nowrap; margin-right: 0.75em; display: inline-block; max-width: 100%; overflow: hidden; text-overflow: ellipsis; vertical-align: bottom; }
.card ul, .card ol { font-size: 0.9375rem; }
.evidence { list-style: none; padding: 0; }
.evidence li { display: flex; gap: 0.6rem; padding: 0.15rem 0; }
.evidence li.holds > .sign { color: var(--overfitting); font-weight: 700; }
.evidence li.fails { color: var(--quiet); }
.evidence .sign { flex: none; width: 1em; line-height: 1.7; text-align: center; }
.evidence small { display: block; }
.drawing { min-width: 0; } .drawing svg { display: block; max-width: 100%; height: auto; } .drawing.scroll svg { max-width: none; } .drawing.narrow { display: none; }
.drawing [data-trial] { cursor: pointer; } .drawing.lit [data-trial] { opacity: 0.25; } .drawing.lit [data-trial].here { opacity: 1; stroke: var(--ink); stroke-width: 2; }
.without-healthy [fill="var(--healthy)"][data-trial], .without-overfitting [fill="var(--overfitting)"][data-trial], .without-underfitting [fill="var(--underfitting)"][data-trial], .without-diverged [fill="var(--diverged)"][data-trial], .without-plateaued [fill="var(--plateaued)"][data-trial], .without-inconclusive [fill="var(--inconclusive)"][data-trial] { display: none; }
ul.findings > li { border: 0; padding: 0.1rem 0; font-size: 0.875rem; } ul.flags { display: flex; flex-wrap: wrap; gap: 0.3rem 1.2rem; margin-top: 1.5rem; } ul.flags > li { border: 0; padding: 0; }

.probe { border-top: 1px solid var(--rule-strong); padding-top: 0.9rem; margin-top: 1.5rem; }
.question { font-family: var(--serif); font-size: 1.125rem; margin-bottom: 0.75rem; }
.question p { margin-bottom: 0.25rem; }
.question .input { font-size: 1rem; color: var(--quiet); }
.replies { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 11rem), 1fr)); gap: 0.75rem 1.5rem; }
.reply { min-width: 0; }
.reply p { margin: 0; }
.reply .who { display: flex; flex-wrap: wrap; align-items: center; gap: 0.15rem 0.6rem; font-size: 0.8125rem; margin-bottom: 0.25rem; }
.text { white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate; display: inline-block; max-width: 100%; }
.reply .text { max-height: 18rem; overflow-y: auto; }
.message { font-weight: 500; overflow-wrap: anywhere; }
details { margin-top: 0.5rem; }
summary { cursor: pointer; color: var(--quiet); font-size: 0.875rem; }
summary:hover { color: var(--ink); }
details pre { margin-top: 0.5rem; }

dl.facts { margin: 0; font-size: 0.9375rem; }
.facts div { display: grid; grid-template-columns: 8.5rem minmax(0, 1fr); gap: 0 1rem; padding: 0.3rem 0; border-top: 1px solid var(--rule); }
.facts dt { color: var(--quiet); }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.facts .hash code { font-size: 0.75rem; }
footer { margin-top: 4rem; padding-bottom: 2rem; color: var(--quiet); font-size: 0.8125rem; }

#tooltip { position: fixed; z-index: 10; pointer-events: none; max-width: min(20rem, calc(100vw - 1rem)); background: var(--paper); color: var(--ink); border: 1px solid var(--rule-strong); border-radius: 6px; box-shadow: 0 4px 18px rgb(0 0 0 / 0.16); padding: 0.5rem 0.75rem; font-size: 0.8125rem; line-height: 1.45; left: 0; top: 0; }
#tooltip .head { display: flex; justify-content: space-between; gap: 1rem; font-weight: 600; }
#tooltip .tone { color: var(--tone); font-weight: 500; }
#tooltip dl { margin: 0.25rem 0 0; display: grid; grid-template-columns: auto auto; gap: 0 1rem; font-variant-numeric: tabular-nums; }
#tooltip dt { color: var(--quiet); overflow-wrap: anywhere; }
#tooltip dd { margin: 0; text-align: right; overflow-wrap: anywhere; }
#tooltip hr { grid-column: 1 / -1; width: 100%; border: 0; border-top: 1px solid var(--rule); margin: 0.3rem 0; }

@media (max-width: 52rem) {
  .answer { grid-template-columns: minmax(0, 1fr); }
  .yaml pre { min-height: 0; }
}
@media screen and (max-width: 40rem) {
  .drawing.wide { display: none; }
  .drawing.narrow { display: block; }
}
@media (max-width: 30rem) {
  body { font-size: 15px; }
  .facts div { grid-template-columns: minmax(0, 1fr); }
  figcaption { flex-wrap: wrap; gap: 0.25rem 1rem; }
}
`

export const style = `
:root {${light}${fonts}}
@media screen and (prefers-color-scheme: dark) { :root {${dark}
} }
${shared}
@media print {
  @page { margin: 14mm; }
  body { font-size: 10.5pt; background: none; }
  main, footer { max-width: none; padding: 0; }
  nav, .js, .tools, .release, .copy > button, #tooltip { display: none !important; }
  .copy:has(> button) pre { padding-top: 0.9rem; }
  .answer { grid-template-columns: minmax(0, 1.4fr) minmax(0, 1fr); }
  pre { max-height: none; overflow: visible; white-space: pre-wrap; overflow-wrap: anywhere; }
  .table { margin: 0; padding: 0; max-height: none !important; overflow: visible; }
  table { font-size: 7.5pt; }
  th, td { padding: 2pt 4pt; white-space: normal; }
  th code.long { min-width: 9rem; }
th code { max-width: none; white-space: normal; }
  thead th, th:first-child, td.c-trial { position: static; }
  h2, h3, figcaption, .lead { break-after: avoid; }
  table .badge, table .state, table .pick, thead th { font-size: 1em; }
  figure, .card, .probe, tr { break-inside: avoid; }
  .reply .text { max-height: none; }
  .grid.cards { grid-template-columns: 1fr 1fr; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`
