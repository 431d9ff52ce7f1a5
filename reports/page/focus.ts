// Which trial the reader looks at: the one under the pointer, else the one held by a click, else none (0). Rows, buttons
// and charts all set it, and all follow it.
export interface Focus {
  readonly hover: (trial: number) => void
  /** Holds the trial, or releases it when it is held already. */
  readonly hold: (trial: number) => void
  readonly subscribe: (listener: (trial: number) => void) => void
}

export const focusOf = (): Focus => {
  let held = 0
  let hovered = 0
  const listeners: Array<(trial: number) => void> = []
  const release = document.querySelector<HTMLElement>("[data-release]")

  const tell = () => {
    for (const listener of listeners) listener(hovered || held)
  }
  const mark = () => {
    for (const row of document.querySelectorAll<HTMLElement>("tr[data-trial]")) {
      row.classList.toggle("held", held !== 0 && row.dataset["trial"] === String(held))
    }
    if (release !== null) {
      release.hidden = held === 0
      release.querySelector("[data-held]")!.textContent = String(held)
    }
  }
  const hover = (trial: number) => {
    if (trial === hovered) return
    hovered = trial
    tell()
  }
  const hold = (trial: number) => {
    held = trial === held ? 0 : trial
    mark()
    tell()
  }

  for (const row of document.querySelectorAll<HTMLElement>("tr[data-trial]")) {
    const trial = Number(row.dataset["trial"])
    row.addEventListener("pointerenter", (event) => event.pointerType !== "touch" && hover(trial))
    row.addEventListener("pointerleave", () => hover(0))
    row.addEventListener("click", () => {
      if (window.getSelection()?.isCollapsed !== false) hold(trial)
    })
  }
  for (const button of document.querySelectorAll<HTMLElement>("[data-pick]")) {
    button.addEventListener("click", (event) => {
      event.stopPropagation()
      hold(Number(button.dataset["pick"]))
    })
  }
  release?.addEventListener("click", () => hold(held))
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && held !== 0) hold(held)
  })
  return { hover, hold, subscribe: (listener) => listeners.push(listener) }
}
