// The buttons that act on a sweep or a trial, and the command that would do the same.
import { post, role } from "./connect.ts"
import { h } from "./dom.ts"
import { w } from "./words.ts"

export const copyButton = (text: string) => {
  const button = h("button", { type: "button", title: text }, w("copy"))
  button.addEventListener("click", () => {
    navigator.clipboard?.writeText(text).then(
      () => (button.textContent = w("copied")),
      () => (button.textContent = text),
    )
  })
  return button
}

/** `state` says which of them make sense. */
export const actions = (sweep: string, trial: number | null, state: string): HTMLElement => {
  const said = h("span", { class: "quiet", role: "status" })
  const may = role === "submit"
  const ended = !["running", "paused", "pending", "assigned"].includes(state)
  const send = (path: string, body: unknown) =>
    post(`/api/sweeps/${sweep}/${path}`, body).then(
      () => (said.textContent = w("done")),
      (error: unknown) => (said.textContent = (error as Error).message),
    )
  const act = (action: "stop" | "pause" | "resume", possible: boolean) =>
    h(
      "button",
      {
        type: "button",
        "data-action": action,
        class: action === "stop" ? "danger" : null,
        disabled: !may || !possible,
        onclick: () => {
          if (action !== "stop" || confirm(w("sure"))) void send("control", { action, trial })
        },
      },
      w(action),
    )
  const clone = () => {
    const text = prompt(w("changes"), "{}")
    if (text === null) return
    let changes: unknown
    try {
      changes = JSON.parse(text)
    } catch {
      changes = null
    }
    if (typeof changes !== "object" || changes === null) return void (said.textContent = w("badJson"))
    void send("clone", { trial, changes })
  }
  const target = trial === null ? sweep : `${sweep}/${trial}`
  return h(
    "div",
    { class: "tools" },
    act("pause", !ended && state !== "paused"),
    act("resume", state === "paused"),
    act("stop", !ended),
    trial !== null &&
      h("button", { type: "button", "data-action": "clone", disabled: !may, onclick: clone }, w("clone")),
    h("span", { class: "quiet" }, w("command"), ": "),
    h("code", {}, `sweep ${ended ? "show" : state === "paused" ? "resume" : "pause"} ${target}`),
    copyButton(`sweep ${ended ? "show" : state === "paused" ? "resume" : "pause"} ${target}`),
    !may && h("span", { class: "quiet" }, w("viewer")),
    said,
  )
}
