// The look of the live page: the report's, and what only the live page has.
import { fonts, palettes, shared } from "../../src/style.ts"

export const liveStyle = `
:root {${palettes.light}${fonts}}
@media (prefers-color-scheme: dark) { :root:not([data-theme="light"]) {${palettes.dark}
} }
:root[data-theme="dark"] {${palettes.dark}
}
${shared}
body { font-size: 15px; }
header.bar, main { max-width: 80rem; margin: 0 auto; padding: 0 clamp(1rem, 3vw, 2.25rem); }
header.bar { gap: 0.4rem clamp(0.8rem, 2vw, 1.4rem); padding-top: 0.75rem; padding-bottom: 0.75rem; border-bottom: 1px solid var(--rule); font-size: 0.9375rem; }
header.bar a { text-decoration: none; color: var(--quiet); }
header.bar a:hover, header.bar a[aria-current] { color: var(--ink); }
header.bar a.brand { font-family: var(--serif); font-size: 1.375rem; color: var(--ink); letter-spacing: -0.01em; }
header.bar button { border: 1px solid var(--rule-strong); border-radius: 99px; padding: 0.1rem 0.8rem; font-size: 0.8125rem; line-height: 1.6; }
header.bar button:hover { border-color: var(--ink); }
.grow { flex: 1; }
main { padding-bottom: 5rem; }
main:focus { outline: none; }
.live { color: var(--plateaued); font-size: 0.8125rem; display: inline-flex; align-items: center; gap: 0.4em; }
.live::before { content: ""; width: 0.5em; height: 0.5em; border-radius: 50%; background: currentColor; }
.away { background: var(--mark); padding: 0.5rem 0.9rem; border-radius: 4px; margin: 1rem 0 0; max-width: none; }
.skip { position: absolute; left: -99rem; } .skip:focus { position: static; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
h1 { font-size: clamp(1.7rem, 4vw, 2.3rem); }
main > div > h1 { margin-top: 1.5rem; }
h2 { font-size: clamp(1.25rem, 2.6vw, 1.5rem); display: flex; flex-wrap: wrap; align-items: center; gap: 0.3rem 0.8rem; }
section { margin-top: clamp(2rem, 4vw, 3rem); scroll-margin-top: 3.5rem; }
section.first { margin-top: 1.5rem; }
.crumbs { font-size: 0.8125rem; color: var(--quiet); margin: 1.25rem 0 0.35rem; }
.title { display: flex; flex-wrap: wrap; align-items: center; gap: 0.4rem 0.9rem; }
.description { color: var(--quiet); margin: 0.4rem 0 0; }
.pill { display: inline-block; font-size: 0.8125rem; font-weight: 500; line-height: 1.5; padding: 0.05rem 0.7rem; border-radius: 99px; border: 1px solid var(--rule-strong); color: var(--quiet); white-space: nowrap; }
.pill.running, .pill.assigned, .pill.connected { color: var(--plateaued); border-color: color-mix(in srgb, var(--plateaued) 45%, transparent); }
.pill.failed, .pill.infeasible, .pill.lost, .pill.quarantined { color: var(--overfitting); border-color: color-mix(in srgb, var(--overfitting) 45%, transparent); }
.pill.paused, .pill.draining, .pill.suspect, .pill.stopped { color: var(--underfitting); border-color: color-mix(in srgb, var(--underfitting) 45%, transparent); }
.bad, .message.bad { color: var(--overfitting); }
.progress { display: flex; gap: 1px; height: 6px; border-radius: 3px; overflow: hidden; background: var(--rule); margin: 0.9rem 0 0; }
.progress i { display: block; background: var(--healthy); }
.progress.thin { height: 4px; max-width: 28rem; margin: 0 0 0.9rem; }
.progress i.stopped { background: var(--underfitting); } .progress i.failed, .progress i.infeasible { background: var(--overfitting); }
.progress i.cancelled { background: var(--rule-strong); } .progress i.running { background: var(--plateaued); }
.meta { margin: 0.5rem 0 0; } .meta > .bad { color: var(--overfitting); }
.meta > *:not(:last-child) { margin-right: 1.4em; position: relative; } .meta > time:not(:last-child)::after { content: "·"; position: absolute; right: -0.85em; }
.bar.actions { margin-top: 1rem; gap: 0.5rem; }
.bar.tight { gap: 0.4rem 1rem; margin: 0.25rem 0 0.75rem; font-size: 0.875rem; max-width: none; }
.bar.tight label { display: inline-flex; align-items: center; gap: 0.4em; white-space: nowrap; }
.actions button, dialog button { border: 1px solid var(--rule-strong); border-radius: 6px; padding: 0.3rem 0.9rem; font-size: 0.875rem; }
.actions button:hover:not(:disabled), dialog button:hover:not(:disabled) { border-color: var(--ink); }
button:disabled { opacity: 0.5; cursor: default; }
button.danger { color: var(--overfitting); } dialog button.primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
dialog button.danger { background: var(--overfitting); border-color: var(--overfitting); color: var(--paper); }
button.plain, .actions .command button { font-size: 0.8125rem; color: var(--quiet); border: 1px solid var(--rule-strong); border-radius: 99px; padding: 0.05rem 0.75rem; line-height: 1.5; }
button.plain:hover { color: var(--ink); border-color: var(--ink); }
.command { display: inline-flex; flex-wrap: wrap; align-items: center; gap: 0.3rem 0.6rem; color: var(--quiet); max-width: 100%; }
.actions .command { margin-left: auto; }
select, input[type="search"], input[type="text"], input[type="number"] { font: inherit; font-size: 0.875rem; color: inherit; background: var(--paper); border: 1px solid var(--rule-strong); border-radius: 6px; padding: 0.25rem 0.6rem; max-width: 100%; }
input[type="search"] { flex: 1 1 16rem; min-width: 0; } input[type="range"] { width: 7rem; } input { accent-color: var(--accent); }
a.act { background: var(--accent); color: var(--on-accent); border-radius: 99px; padding: 0.15rem 0.9rem; text-decoration: none; }
main nav { position: sticky; top: 0; z-index: 5; background: var(--paper); margin-top: 1.75rem; overflow-x: auto; flex-wrap: nowrap; }
main nav a { white-space: nowrap; }
.answer { margin-top: 0.25rem; }
.answer .figures { margin: 0.25rem 0 0.9rem; }
.answer .figures div:first-child dd, .figures div:first-child dd { font-size: 1.75rem; line-height: 1.05; }
.figures { align-items: end; margin: 1rem 0 0; }
.answer .copy h3 { margin: 0 0 0.5rem; } .answer .copy > button { top: -0.15rem; right: 0; }
.copy:has(> button) pre { padding-top: 0.9rem; }
.start .copy > button { top: 0.75rem; }
.start { max-width: 40rem; padding: 1.5rem 0; } .start h2 { margin-bottom: 0.5rem; } .empty { padding: 1rem 0; }
.cards { list-style: none; margin: 1.25rem 0 0; padding: 0; display: grid; gap: 0; }
.cards > li { border-top: 1px solid var(--rule); padding: 1.1rem 0 1.2rem; display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 0 2rem; }
.cards > li > * { grid-column: 1; } .cards .value { grid-column: 2; grid-row: 1 / span 4; text-align: right; align-self: center; margin: 0; }
.cards .value strong { display: block; font-size: 1.6rem; font-weight: 500; line-height: 1.2; font-variant-numeric: tabular-nums; }
.cards .what { display: flex; flex-wrap: wrap; gap: 0.3rem 0.8rem; align-items: center; } .cards h2 { margin: 0; } .cards h2 a { color: inherit; text-decoration: none; } .cards h2 a:hover { text-decoration: underline; }
.cards p { margin: 0.3rem 0 0; } .cards .progress { max-width: 34rem; margin-top: 0.7rem; } .cards .pill { font-family: var(--sans); }
.cards.wide { grid-template-columns: repeat(auto-fill, minmax(min(100%, 26rem), 1fr)); gap: 0 3rem; } .cards.wide > li { grid-template-columns: minmax(0, 1fr); align-content: start; } .cards.wide table { margin-top: 0.7rem; }
.scroll.table { margin: 0; padding: 0; } .table.long { max-height: 34rem; }
html:not(.no-js) tbody tr { cursor: default; }
td.c-trial { white-space: nowrap; } td.c-trial input { vertical-align: middle; margin: 0 0.3rem 0 0; } a.pick { text-decoration: none; color: var(--ink); } a.pick:hover { border-color: var(--ink); }
.menu { position: relative; margin: 0; } .menu summary { font-size: 0.875rem; color: inherit; } .menu > div { position: absolute; z-index: 6; right: 0; top: 1.8rem; background: var(--paper); border: 1px solid var(--rule-strong); border-radius: 6px; box-shadow: 0 4px 18px rgb(0 0 0 / 0.16); padding: 0.6rem 0.9rem; display: grid; gap: 0.25rem; max-height: 20rem; overflow: auto; min-width: 13rem; }
.plot { min-width: 0; overflow: hidden; min-height: 342px; } .plot .u-over { cursor: crosshair; }
.said { font-size: 0.8125rem; color: var(--quiet); margin: 0; min-height: 1.5em; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; max-width: none; }
.drawing { min-width: 0; } .drawing svg, .scroll > svg, figure > svg { display: block; max-width: none; } [data-trial] { cursor: pointer; } svg .axis { cursor: ns-resize; touch-action: none; }
.grid.small figure { margin: 0; } .grid.small { gap: 2rem 36px; } figure h3 code { font-weight: 500; }
.lane { display: grid; grid-template-columns: minmax(4.5rem, 9rem) minmax(0, 1fr); gap: 0.8rem; align-items: center; margin-bottom: 0.25rem; font-size: 0.8125rem; font-variant-numeric: tabular-nums; }
.lane > span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; color: var(--quiet); }
.track { position: relative; height: 1.25rem; background: var(--raised); border-radius: 3px; overflow: hidden; }
.track a { position: absolute; top: 2px; bottom: 2px; min-width: 2px; background: var(--inconclusive); border-radius: 2px; opacity: 0.85; } .track a:hover { opacity: 1; }
.track a.completed { background: var(--healthy); } .track a.failed, .track a.infeasible { background: var(--overfitting); } .track a.stopped { background: var(--underfitting); } .track a.running, .track a.assigned { background: var(--plateaued); }
.track.axis { background: none; } .track.axis span { position: absolute; color: var(--quiet); white-space: nowrap; font-size: 0.75rem; border-left: 1px solid var(--rule-strong); padding-left: 0.35rem; }
table.pairs { table-layout: fixed; } table.pairs th, table.pairs td { white-space: normal; overflow-wrap: anywhere; }
table.pairs th[scope="row"], table.compare th[scope="row"] { font-weight: 400; } tr.differs td { background: color-mix(in srgb, var(--accent) 9%, var(--paper)); font-weight: 600; } tr.differs td.quiet { font-weight: 400; }
table.compare { width: auto; min-width: min(100%, 40rem); } table.compare td, table.compare thead th { min-width: 8rem; } table.compare tr.group th { color: var(--quiet); padding-top: 1.1rem; font-weight: 500; position: static; } td.leads { font-weight: 650; color: var(--accent); }
.swatch { display: inline-block; width: 0.8em; height: 0.8em; border-radius: 2px; background: var(--healthy); } .t1 { background: var(--overfitting); } .t2 { background: var(--plateaued); } .t3 { background: var(--diverged); } .t4 { background: var(--underfitting); } .t5 { background: var(--ink); }
.facts div { grid-template-columns: minmax(8.5rem, 14rem) minmax(0, 1fr); } .facts dt, .facts dd { overflow-wrap: anywhere; min-width: 0; } .bar select { min-width: 0; flex: 0 1 auto; }
.probe { margin-top: 1rem; } .probe p { max-width: none; } .probe .text { display: block; } h2 .badge { font-family: var(--sans); letter-spacing: 0; } .title + .scroll, .title + div { margin-top: 1rem; } #diagnosis h3 { margin-top: 0.25rem; }
.key { display: inline-flex; align-items: center; gap: 0.35em; }
#log pre + pre { margin-top: 0.75rem; } #log pre { white-space: pre-wrap; overflow-wrap: anywhere; max-height: 24rem; }
dialog { background: var(--paper); color: var(--ink); border: 1px solid var(--rule-strong); border-radius: 10px; padding: 1.5rem; width: min(34rem, calc(100vw - 2rem)); box-shadow: 0 10px 50px rgb(0 0 0 / 0.3); }
dialog::backdrop { background: rgb(0 0 0 / 0.35); } dialog .fields { display: grid; gap: 0.5rem; margin: 1rem 0; }
dialog label { display: grid; grid-template-columns: minmax(8rem, 1fr) minmax(0, 1.4fr); gap: 0.8rem; align-items: center; } dialog .command code { background: var(--raised); padding: 0.3rem 0.6rem; border-radius: 6px; flex: 1 1 100%; } dialog small { flex: 1 1 100%; }
dialog .buttons { display: flex; justify-content: flex-end; gap: 0.6rem; margin-top: 0.75rem; } dialog p { max-width: none; } dialog .command button { padding: 0.05rem 0.75rem; border-radius: 99px; font-size: 0.8125rem; }
@media (max-width: 44rem) {
  .cards > li { gap: 0 1rem; } .cards .value strong { font-size: 1.3rem; }
  .actions .command { margin-left: 0; } .lane { gap: 0.5rem; grid-template-columns: 4.5rem minmax(0, 1fr); }
  .facts div { grid-template-columns: minmax(0, 1fr) auto; } .table.long { max-height: 28rem; }
}
`
