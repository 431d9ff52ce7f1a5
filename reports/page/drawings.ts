// Ties the drawings of trials to the focus, the tooltip and the legend: a dot is pointed at, held and hidden like a curve.
import type { Focus } from "./focus.ts"
import type { Tooltip } from "./tooltip.ts"

const trialAt = (target: EventTarget | null): number =>
  target instanceof Element ? Number(target.closest("[data-trial]")?.getAttribute("data-trial") ?? 0) : 0

export const tieDrawings = (focus: Focus, tooltip: Tooltip): void => {
  const boxes = [...document.querySelectorAll<HTMLElement>(".drawing")]
  for (const box of boxes) {
    // The tooltip says more than a browser's own.
    for (const title of box.querySelectorAll("[data-trial] > title")) title.remove()
    box.addEventListener("pointermove", (event) => {
      const trial = trialAt(event.target)
      focus.hover(trial)
      if (trial === 0) tooltip.hide()
      else tooltip.show(event, { trial }, "")
    })
    box.addEventListener("pointerleave", () => {
      focus.hover(0)
      tooltip.hide()
    })
    box.addEventListener("click", (event) => {
      const trial = trialAt(event.target)
      if (trial !== 0) focus.hold(trial)
    })
  }
  focus.subscribe((trial) => {
    for (const box of boxes) {
      for (const mark of box.querySelectorAll(".here")) mark.classList.remove("here")
      const mark = trial === 0 ? null : box.querySelector(`[data-trial="${trial}"]`)
      box.classList.toggle("lit", mark !== null)
      mark?.classList.add("here")
    }
  })
  for (const chip of document.querySelectorAll<HTMLElement>("[data-tone]")) {
    chip.addEventListener("click", () => {
      document.body.classList.toggle(`without-${chip.dataset["tone"]}`)
    })
  }
}
