// What the reader does to a sweep or a trial: the buttons, the forms that ask for values, and the command that does the same.
import type { ParameterValue } from "@sweep/domain/Parameter"
import { post, role } from "../connect.ts"
import { type Child, fill, h } from "../dom.ts"
import { w } from "../words/words.ts"

export const copyButton = (text: () => string) => {
  const button = h("button", { type: "button", class: "plain" }, w("copy"))
  button.addEventListener("click", () => {
    const select = () => {
      const shown = button.parentElement?.querySelector("code, pre")
      if (shown != null) getSelection()?.selectAllChildren(shown)
    }
    if (navigator.clipboard === undefined) return select()
    navigator.clipboard.writeText(text()).then(() => {
      button.textContent = w("copied")
      setTimeout(() => (button.textContent = w("copy")), 1_600)
    }, select)
  })
  return button
}

const word = (text: string): string => (/^[\w./:=@,+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`)

/** A form over the page. `command` is what does the same in a shell, and follows the fields. */
const ask = (options: {
  readonly title: string
  readonly how: string
  readonly fields: ReadonlyArray<Child>
  readonly command: () => string
  readonly send: () => Promise<string>
  readonly button: string
  readonly isDanger?: boolean
}) => {
  const said = h("p", { class: "said", role: "alert" })
  const code = h("code", {}, options.command())
  const start = h("button", { type: "submit", class: options.isDanger === true ? "danger" : "primary" }, options.button)
  const dialog = h("dialog", { "aria-label": options.title })
  const form = h(
    "form",
    {
      oninput: () => (code.textContent = options.command()),
      onsubmit: (event: Event) => {
        event.preventDefault()
        start.disabled = true
        options.send().then(
          (done) => {
            fill(said, done)
            setTimeout(() => dialog.close(), 900)
          },
          (error: unknown) => {
            start.disabled = false
            fill(said, (error as Error).message)
          },
        )
      },
    },
    h("h2", {}, options.title),
    h("p", { class: "quiet" }, options.how),
    h("div", { class: "fields" }, options.fields),
    h("p", { class: "command" }, h("small", {}, w("command")), code, copyButton(options.command)),
    said,
    h("div", { class: "buttons" }, h("button", { type: "button", onclick: () => dialog.close() }, w("cancel")), start),
  )
  dialog.append(form)
  dialog.addEventListener("close", () => dialog.remove())
  document.body.append(dialog)
  dialog.showModal()
}

const valueOf = (text: string, before: ParameterValue): ParameterValue => {
  const trimmed = text.trim()
  if (typeof before === "string") return trimmed
  if (trimmed === "true") return true
  if (trimmed === "false") return false
  if (trimmed === "null") return null
  return trimmed !== "" && Number.isFinite(Number(trimmed)) ? Number(trimmed) : trimmed
}

/** A trial once more, with the values that are changed in the form. */
const askForTrial = (
  sweep: string,
  trial: number,
  parameters: Readonly<Record<string, ParameterValue>>,
  title: string,
  how: string,
) => {
  const inputs = Object.entries(parameters).map(
    ([name, value]) => [name, value, h("input", { type: "text", value: String(value), id: `field-${name}` })] as const,
  )
  const changes = () =>
    Object.fromEntries(
      inputs.flatMap(([name, before, input]) =>
        input.value.trim() === String(before) ? [] : [[name, valueOf(input.value, before)]],
      ),
    )
  ask({
    title,
    how,
    fields: inputs.map(([name, , input]) => h("label", {}, h("code", {}, name), input)),
    command: () =>
      [
        `sweep clone ${sweep}/${trial}`,
        ...Object.entries(changes()).map(([name, value]) => `--set ${word(`${name}=${String(value)}`)}`),
      ].join(" "),
    send: async () => {
      if (Object.keys(changes()).length === 0) throw new Error(w("unchanged"))
      const { trials } = (await post(`/api/sweeps/${sweep}/clone`, { trial, changes: changes() })) as {
        readonly trials: ReadonlyArray<number>
      }
      return `${w("done")}: ${trials.map((number) => `#${number}`).join(" ")}`
    },
    button: w("start"),
  })
}

const askForMore = (sweep: string) => {
  const input = h("input", { type: "number", min: 1, max: 100_000, value: 10, id: "field-more" })
  ask({
    title: w("extend"),
    how: w("extendHow"),
    fields: [h("label", {}, h("span", {}, w("trials")), input)],
    command: () => `sweep extend ${sweep} --trials +${input.value}`,
    send: async () => {
      await post(`/api/sweeps/${sweep}/extend`, { more: Number(input.value) })
      return w("done")
    },
    button: w("start"),
  })
}

export interface Target {
  readonly sweep: string
  /** `null`: the sweep. */
  readonly trial: number | null
  readonly state: string
  readonly extendable?: boolean
  /** To start a trial from. */
  readonly from: { readonly trial: number; readonly parameters: Readonly<Record<string, ParameterValue>> } | null
}

/** `state` says which of them make sense. */
export const actions = ({ sweep, trial, state, extendable = false, from }: Target): HTMLElement => {
  const said = h("span", { class: "quiet", role: "status" })
  const may = role === "submit"
  const ended = !["running", "paused", "pending", "assigned"].includes(state)
  const target = trial === null ? sweep : `${sweep}/${trial}`
  const control = (action: "stop" | "pause" | "resume") => post(`/api/sweeps/${sweep}/control`, { action, trial })
  const act = (action: "stop" | "pause" | "resume") =>
    h(
      "button",
      {
        type: "button",
        "data-action": action,
        class: action === "stop" ? "danger" : null,
        disabled: !may,
        title: `sweep ${action} ${target}`,
        onclick: () => {
          if (action !== "stop") {
            return void control(action).then(
              () => (said.textContent = w("done")),
              (error: unknown) => (said.textContent = (error as Error).message),
            )
          }
          ask({
            title: w("sure"),
            how: w("sureHow"),
            fields: [],
            command: () => `sweep stop ${target}`,
            send: async () => {
              await control("stop")
              return w("done")
            },
            button: w("stop"),
            isDanger: true,
          })
        },
      },
      w(action),
    )
  const command = `sweep ${trial === null ? (ended ? "report" : "watch") : "show"} ${target}`
  return h(
    "div",
    { class: "bar actions" },
    !ended && state !== "paused" && act("pause"),
    state === "paused" && act("resume"),
    !ended && act("stop"),
    trial === null &&
      h(
        "button",
        { type: "button", "data-action": "extend", disabled: !may || !extendable, onclick: () => askForMore(sweep) },
        w("extend"),
      ),
    from !== null &&
      h(
        "button",
        {
          type: "button",
          "data-action": "clone",
          disabled: !may,
          onclick: () =>
            askForTrial(
              sweep,
              from.trial,
              from.parameters,
              trial === null ? w("enqueue") : w("clone"),
              trial === null ? w("enqueueHow") : w("cloneHow"),
            ),
        },
        trial === null ? w("enqueue") : w("clone"),
      ),
    h(
      "span",
      { class: "command" },
      h("code", {}, command),
      copyButton(() => command),
    ),
    !may && h("span", { class: "quiet" }, w("viewer")),
    said,
  )
}
