// The look of the live page, in the report's colours.
export const liveStyle = ({ light, dark }: { readonly light: string; readonly dark: string }): string => `
:root {${light}
  --sans: ui-sans-serif, system-ui, -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif;
  --mono: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
@media (prefers-color-scheme: dark) { :root:not([data-theme="light"]) {${dark}
} }
:root[data-theme="dark"] {${dark}
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 var(--sans); overflow-wrap: break-word; }
header.bar, main { max-width: 76rem; margin: 0 auto; padding: 0 clamp(0.9rem, 3vw, 2rem); }
header.bar { display: flex; flex-wrap: wrap; align-items: center; gap: 0.4rem clamp(0.6rem, 2vw, 1.1rem); padding-top: 0.8rem; padding-bottom: 0.6rem; border-bottom: 1px solid var(--rule); }
header.bar .grow { flex: 1; }
header.bar strong { font-size: 1.1rem; }
main { padding-bottom: 4rem; padding-top: 0.6rem; }
a { color: var(--accent); text-underline-offset: 0.18em; }
h1 { font-size: clamp(1.4rem, 4vw, 1.9rem); margin: 1.2rem 0 0.2rem; overflow-wrap: anywhere; line-height: 1.2; }
h2 { font-size: 1.1rem; margin: 0 0 0.5rem; }
section { margin-top: 1.8rem; min-width: 0; }
p { margin: 0 0 0.5rem; }
.quiet { color: var(--quiet); }
.away { background: var(--mark); padding: 0.5rem 0.9rem; border-radius: 4px; margin: 0.8rem 0 0; }
.live { color: var(--plateaued); font-size: 0.85rem; }
button, select, input { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--rule-strong); border-radius: 6px; padding: 0.25rem 0.7rem; max-width: 100%; }
button { cursor: pointer; }
button:hover:not(:disabled) { border-color: var(--ink); }
button:disabled { opacity: 0.45; cursor: default; }
button.danger { color: var(--overfitting); }
input[type="range"] { padding: 0; vertical-align: middle; width: 8rem; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
.skip { position: absolute; left: -99rem; } .skip:focus { position: static; }
.tools { display: flex; flex-wrap: wrap; gap: 0.4rem 0.7rem; align-items: center; margin: 0.5rem 0; }
.tools input[type="search"] { flex: 1 1 14rem; }
.figures { display: flex; flex-wrap: wrap; gap: 0.6rem 2rem; margin: 0.4rem 0 0.8rem; }
.figures div { display: flex; flex-direction: column-reverse; }
.figures dd { margin: 0; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
.figures dt { font-size: 0.8rem; color: var(--quiet); }
.two { display: grid; grid-template-columns: minmax(0, 1.5fr) minmax(0, 1fr); gap: 1.5rem; }
pre { margin: 0; background: var(--raised); border: 1px solid var(--rule); border-radius: 6px; padding: 0.7rem 0.9rem; overflow: auto; max-height: 24rem; font: 0.8rem/1.5 var(--mono); white-space: pre-wrap; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; max-height: 36rem; overflow-y: auto; border: solid var(--rule); border-width: 1px 0; }
table { border-collapse: separate; border-spacing: 0; width: 100%; font-size: 0.85rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; white-space: nowrap; padding: 0.35rem 0.6rem; border-top: 1px solid var(--rule); max-width: 16rem; overflow: hidden; text-overflow: ellipsis; background: var(--paper); }
thead th { position: sticky; top: 0; z-index: 2; border-top: 0; border-bottom: 1px solid var(--rule-strong); font-weight: 500; color: var(--quiet); }
thead th button { border: 0; padding: 0; background: none; color: inherit; }
th[aria-sort="ascending"] button::after { content: " ↑"; } th[aria-sort="descending"] button::after { content: " ↓"; }
td.number { text-align: right; }
tr.best td { background: color-mix(in srgb, var(--accent) 10%, var(--paper)); }
.failed { color: var(--overfitting); } .running, .assigned { color: var(--accent); }
.v-healthy { color: var(--healthy); } .v-overfitting { color: var(--overfitting); } .v-underfitting { color: var(--underfitting); }
.v-diverged { color: var(--diverged); } .v-plateaued { color: var(--plateaued); } .v-inconclusive { color: var(--inconclusive); }
.plot { min-width: 0; overflow: hidden; min-height: 300px; } .plot .u-over { cursor: crosshair; }
.said { font-size: 0.8rem; color: var(--quiet); margin: 0; min-height: 1.5em; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.lane { display: grid; grid-template-columns: 8rem minmax(0, 1fr); gap: 0.7rem; align-items: center; margin-bottom: 0.3rem; font-size: 0.8rem; }
.lane > span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.lane .track { position: relative; height: 1.3rem; background: var(--raised); border-radius: 3px; overflow: hidden; }
.lane a { position: absolute; top: 2px; bottom: 2px; min-width: 3px; background: var(--accent); border-radius: 2px; }
.lane a.failed { background: var(--overfitting); } .lane a.stopped { background: var(--underfitting); } .lane a.completed { background: var(--healthy); }
dl.facts div { display: grid; grid-template-columns: 9rem minmax(0, 1fr); gap: 0.8rem; padding: 0.25rem 0; border-top: 1px solid var(--rule); }
dl.facts { margin: 0; } dl.facts dt { color: var(--quiet); overflow-wrap: anywhere; } dl.facts dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 44rem) { .two { grid-template-columns: minmax(0, 1fr); } .lane { grid-template-columns: 5rem minmax(0, 1fr); } }
`
