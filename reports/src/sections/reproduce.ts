// Everything another person needs to run the sweep again and compare.
import type { SweepResults } from "@sweep/domain/SweepResults"
import type { DataFile } from "@sweep/domain/SweepSpec"
import { bytes, count } from "../Format.ts"
import { html, type Html } from "../Html.ts"
import type { ReportExtras } from "../ReportInput.ts"
import { say, type Text } from "../Say.ts"
import type { Standings } from "../Standings.ts"
import { nav } from "../strings/head.ts"
import { reproduce } from "../strings/reproduce.ts"
import { copyBlock } from "./copyBlock.ts"

/** For a shell: quoted unless it is plain. */
const word = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`)

const line = (title: Text, value: Html | string): Html =>
  html`<div>
    <dt>${say(title)}</dt>
    <dd>${value}</dd>
  </div>`

const dataFile = (title: Text, file: DataFile): Html | null =>
  file.path === ""
    ? null
    : line(
        title,
        html`<code>${file.path}</code><br /><span class="quiet"
            >${say(reproduce.records(count(file.records), bytes(file.bytes)))}</span
          ><br /><span class="hash"><span class="quiet">sha256</span> <code>${file.sha256}</code></span>`,
      )

const versionsOf = (
  results: SweepResults,
  standings: Standings,
  extras: ReportExtras,
): ReadonlyArray<[string, string]> => {
  const trainer = standings.best?.details?.started ?? results.details.find((one) => one.started !== null)?.started
  return Object.entries({ ...extras.versions, ...results.sweep.versions, ...trainer?.versions })
}

export const reproduceSection = (results: SweepResults, standings: Standings, extras: ReportExtras): Html => {
  const { id, spec } = results.sweep
  const commands = [
    `sweep run ${word(spec.source.path)}`,
    ...(standings.best === null ? [] : [`sweep best ${id} --yaml`]),
    `sweep export ${id} --parquet ${id}-metrics`,
  ]
  const versions = versionsOf(results, standings, extras)
  return html`<section id="reproduce">
    <h2>${say(nav.reproduce)}</h2>
    <p class="lead">${say(reproduce.lead)}</p>
    <div class="grid two">
      <div>
        <h3>${say(reproduce.commands)}</h3>
        ${copyBlock(commands.join("\n"))}
        <h3>${say(reproduce.data)}</h3>
        <dl class="facts">
          ${spec.model === "" ? null : line(reproduce.model, html`<code>${spec.model}</code>`)}
          ${dataFile(reproduce.train, spec.data.train)} ${dataFile(reproduce.eval, spec.data.eval)}
          ${line(reproduce.method, html`<code>${spec.method}</code>`)}
          ${line(reproduce.seed, html`<code>${spec.seed}</code>`)}
          ${standings.best === null ? null : line(reproduce.trialSeed, html`<code>${standings.best.trial.seed}</code>`)}
        </dl>
        ${
          versions.length === 0
            ? null
            : html`<h3>${say(reproduce.versions)}</h3>
                <dl class="facts versions">
                  ${versions.map(
                    ([name, version]) =>
                      html`<div>
                        <dt>${name}</dt>
                        <dd><code>${version}</code></dd>
                      </div>`,
                  )}
                </dl>`
        }
      </div>
      <div>
        <h3>${say(reproduce.file)} <code class="quiet">${spec.source.path.split("/").at(-1)}</code></h3>
        ${spec.source.text.trim() === "" ? html`<p class="note">${say(reproduce.noFile)}</p>` : copyBlock(spec.source.text.trimEnd())}
      </div>
    </div>
  </section>`
}
