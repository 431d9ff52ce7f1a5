// What shows beside the pointer over a chart. Everything is set as text; nothing is parsed as markup.
import type { PageData, Words } from "../src/PageData.ts"
import { language } from "./language.ts"

const digits = (value: unknown): string =>
  typeof value === "number" && !Number.isInteger(value) ? String(Number(value.toPrecision(5))) : String(value)

const element = (tag: string, text: string, name = ""): HTMLElement => {
  const made = document.createElement(tag)
  made.textContent = text
  made.className = name
  return made
}

export interface Tooltip {
  readonly show: (
    event: { readonly clientX: number; readonly clientY: number },
    datum: Record<string, unknown>,
    measure: string,
  ) => void
  readonly hide: () => void
}

export const tooltipOf = (data: PageData): Tooltip => {
  const box = document.getElementById("tooltip")!
  const trials = new Map(data.trials.map((one) => [one.trial, one]))
  const say = (words: Words) => words[language()]

  const fill = (datum: Record<string, unknown>, measure: string): void => {
    const trial = trials.get(Number(datum["trial"]))
    const head = element("div", "", "head")
    head.append(element("span", `${say(data.words.trial)} ${String(datum["trial"])}`))
    const tone = trial === undefined ? undefined : data.words.verdicts[trial.tone]
    if (tone !== undefined) {
      const label = element("span", say(tone), "tone")
      label.style.setProperty("--tone", `var(--${trial!.tone})`)
      head.append(label)
    }
    const list = document.createElement("dl")
    const line = (name: string, value: string) => list.append(element("dt", name), element("dd", value))
    if ("step" in datum) line(say(data.words.step), digits(datum["step"]))
    if ("value" in datum)
      line(typeof datum["series"] === "string" ? `${datum["series"]}/loss` : measure, digits(datum["value"]))
    if ("trials" in datum) line(say(data.words.trials), digits(datum["trials"]))
    if (trial !== undefined) {
      list.append(document.createElement("hr"))
      if (trial.objective !== null && !("value" in datum && !("step" in datum)))
        line(say(data.words.objective), trial.objective)
      for (const [name, value] of trial.parameters) line(name, digits(value))
    }
    box.replaceChildren(head, list)
  }

  return {
    show: (event, datum, measure) => {
      fill(datum, measure)
      box.hidden = false
      const { width, height } = box.getBoundingClientRect()
      const gap = 14
      const left = event.clientX + gap + width > window.innerWidth ? event.clientX - gap - width : event.clientX + gap
      const top = event.clientY + gap + height > window.innerHeight ? event.clientY - gap - height : event.clientY + gap
      box.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, top)}px)`
    },
    hide: () => {
      box.hidden = true
    },
  }
}
