// Draws each chart when it comes near the screen, at the width of its box, and ties the charts to the focus, the legend
// and each other's zoom. Vega's expressions are interpreted, never compiled to functions: the page's policy allows no eval.
import { Error as LogError, type Item, parse, View } from "vega"
import { expressionInterpreter } from "vega-interpreter"
import type { PageChart, PageData } from "../src/PageData.ts"
import type { Focus } from "./focus.ts"
import { nearest, tooltipOf } from "./tooltip.ts"
import { unpack } from "./unpack.ts"

const widthOf = (box: HTMLElement): number => Math.max(240, Math.floor(box.clientWidth))

/** The signals by which Vega-Lite binds an interval to the scales, where a chart can be zoomed. */
const frames = { x: "frame_step", y: "frame_value" } as const

interface Drawn {
  readonly chart: PageChart
  readonly box: HTMLElement
  readonly view: View
  readonly zooms: boolean
}

export const drawCharts = (data: PageData, focus: Focus): void => {
  const tooltip = tooltipOf(data)
  const drawn = new Map<string, Drawn>()
  const hidden = new Set<string>()
  let focused = 0

  const draw = async (chart: PageChart, box: HTMLElement): Promise<void> => {
    const spec = data.specs[chart.spec]!
    const zooms = JSON.stringify(spec).includes(`"${frames.x}"`)
    const container = document.createElement("div")
    const view = new View(parse(spec, undefined, { ast: true }), {
      renderer: "svg",
      container,
      expr: expressionInterpreter,
      hover: true,
      // Warnings are about layers without rows: an empty focus, say.
      logLevel: LogError,
    })
    view.width(widthOf(box))
    for (const [name, value] of Object.entries(chart.signals)) view.signal(name, value)
    for (const { name, columns } of chart.data) view.data(name, unpack(columns))
    view
      .signal("interactive", true)
      .signal("focus", focused)
      .signal("hidden", [...hidden])
    view.tooltip((_handler, event, item: Item | null, value) => {
      if (item === null || item === undefined || value === null || value === undefined || value === "") {
        tooltip.hide()
        focus.hover(0)
        return
      }
      const x = event.clientX - container.getBoundingClientRect().left - view.origin()[0]
      const datum = nearest(item, x)
      tooltip.show(event, datum)
      focus.hover(Number(datum["trial"]))
    })
    view.addEventListener("click", (_event, item) => {
      const trial = Number((item?.datum as Record<string, unknown> | undefined)?.["trial"] ?? 0)
      if (trial > 0) focus.hold(trial)
    })
    await view.runAsync()
    // The picture goes when the live chart is there, so that nothing flickers.
    box.replaceChildren(container)
    drawn.set(chart.id, { chart, box, view, zooms })
    container.addEventListener("pointerleave", () => {
      tooltip.hide()
      focus.hover(0)
    })
    if (zooms) {
      // Curves over the same steps move together.
      view.addSignalListener(frames.x, (_name, domain) => {
        for (const other of drawn.values()) {
          if (other.zooms && other.view !== view && String(other.view.signal(frames.x)) !== String(domain)) {
            void other.view.signal(frames.x, domain).runAsync()
          }
        }
      })
    }
  }

  const all = (change: (view: View) => View) => {
    for (const { view } of drawn.values()) void change(view).runAsync()
  }
  focus.subscribe((trial) => {
    focused = trial
    all((view) => view.signal("focus", trial))
  })

  for (const chip of document.querySelectorAll<HTMLElement>("[data-tone]")) {
    chip.addEventListener("click", () => {
      const tone = chip.dataset["tone"]!
      if (!hidden.delete(tone)) hidden.add(tone)
      chip.setAttribute("aria-pressed", String(!hidden.has(tone)))
      all((view) => view.signal("hidden", [...hidden]))
    })
  }

  for (const button of document.querySelectorAll<HTMLElement>("[data-zoom]")) {
    button.addEventListener("click", () => {
      const target = drawn.get(button.dataset["for"]!)
      if (target === undefined) return
      const { view } = target
      const way = button.dataset["zoom"]!
      for (const [channel, signal] of Object.entries(frames)) {
        if (way === "reset") {
          view.signal(signal, null)
          continue
        }
        const [low, high] = (view.scale(channel) as { domain: () => [number, number] }).domain()
        const half = ((high - low) / 2) * (way === "in" ? 0.65 : 1 / 0.65)
        // Steps start at 0: zooming keeps the left edge, values keep the middle of the frame.
        const middle = (low + high) / 2
        view.signal(signal, channel === "x" ? [low, low + 2 * half] : [middle - half, middle + half])
      }
      void view.runAsync()
    })
  }

  // What the reader is about to see comes first, the rest whenever there is nothing else to do.
  const waiting = new Map(
    [...document.querySelectorAll<HTMLElement>("[data-chart]")].flatMap((box) => {
      const chart = data.charts.find((one) => one.id === box.dataset["chart"])
      return chart === undefined ? [] : [[box, chart] as const]
    }),
  )
  const start = async (box: HTMLElement): Promise<void> => {
    const chart = waiting.get(box)
    if (!waiting.delete(box) || chart === undefined) return
    await draw(chart, box)
  }
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) if (isIntersecting) void start(target as HTMLElement)
    },
    { rootMargin: "600px" },
  )
  const whenIdle = window.requestIdleCallback ?? ((then: () => void) => setTimeout(then, 120))
  const drawRest = (): void => {
    const [box] = waiting.keys()
    if (box !== undefined) void start(box).finally(() => whenIdle(drawRest))
  }
  const sizes = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const one = drawn.get((target as HTMLElement).dataset["chart"]!)
      if (one !== undefined && one.view.width() !== widthOf(one.box)) void one.view.width(widthOf(one.box)).runAsync()
    }
  })
  for (const box of waiting.keys()) {
    observer.observe(box)
    sizes.observe(box)
  }
  whenIdle(drawRest)
}
