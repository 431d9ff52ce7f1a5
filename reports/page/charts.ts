// Draws each chart when it comes near the screen, at the width of its box, and ties the charts to the focus, the legend
// and each other's zoom. Vega's expressions are interpreted, never compiled to functions: the page's policy allows no eval.
import { Error as LogError, parse, View } from "vega"
import { expressionInterpreter } from "vega-interpreter"
import type { PageChart, PageData } from "../src/PageData.ts"
import type { Focus } from "./focus.ts"
import { type Lines, linesOf } from "./nearestLine.ts"
import type { Tooltip } from "./tooltip.ts"
import { unpack } from "./unpack.ts"

const widthOf = (box: HTMLElement): number => Math.max(240, Math.floor(box.clientWidth))

/** The signals by which Vega-Lite binds an interval to the scales, where a chart can be zoomed. */
const frames = { x: "frame_step", y: "frame_value" } as const

type Scale = ((value: number) => number) & { readonly domain: () => [number, number] }
const scaleOf = (view: View, channel: string): Scale => view.scale(channel) as Scale

interface Drawn {
  readonly box: HTMLElement
  readonly view: View
  readonly lines: Lines | null
  /** Whether the specification knows the signal. */
  readonly knows: (signal: string) => boolean
}

export const drawCharts = (data: PageData, focus: Focus, tooltip: Tooltip): void => {
  const drawn = new Map<string, Drawn>()
  const hidden = new Set<string>()
  let focused = 0

  const bringOut = ({ box, view, lines, knows }: Drawn): void => {
    if (!knows("focus")) return
    view.signal("focus", focused)
    if (lines !== null) {
      box.classList.toggle("focused", focused !== 0)
      view.data(
        "focused",
        lines.of(focused).map((row) => ({ ...row })),
      )
    }
    void view.runAsync()
  }

  const draw = async (chart: PageChart, box: HTMLElement): Promise<void> => {
    const spec = data.specs[chart.spec]!
    const container = document.createElement("div")
    // Its box says what it shows; the parts of it would be read one by one.
    container.setAttribute("aria-hidden", "true")
    const view = new View(parse(spec, undefined, { ast: true }), {
      renderer: "svg",
      container,
      expr: expressionInterpreter,
      // Warnings are about layers without rows: an empty focus, say.
      logLevel: LogError,
    })
    view.width(widthOf(box))
    for (const [name, value] of Object.entries(chart.signals)) view.signal(name, value)
    const sets = new Map(chart.data.map(({ name, columns }) => [name, unpack(columns)]))
    // Vega writes on the rows it is given.
    for (const [name, rows] of sets) view.data(name, chart.lines === null ? rows : rows.map((row) => ({ ...row })))
    const signals = new Set(spec.signals?.map((signal) => signal.name))
    const one: Drawn = {
      box,
      view,
      lines: chart.lines === null ? null : linesOf(sets.get("curves") ?? [], chart.lines),
      knows: (signal) => signals.has(signal),
    }
    if (one.knows("hidden")) view.signal("hidden", [...hidden])

    const leave = () => {
      tooltip.hide()
      focus.hover(0)
    }
    /** The row the reader points at. */
    const under = (event: MouseEvent, item: unknown): Readonly<Record<string, unknown>> | undefined => {
      if (one.lines !== null) {
        const box = container.getBoundingClientRect()
        const [left, top] = view.origin()
        const pointer = { x: event.clientX - box.left - left, y: event.clientY - box.top - top }
        if (pointer.x < 0 || pointer.y < 0 || pointer.y > view.height()) return undefined
        const scale = { x: scaleOf(view, "x"), y: scaleOf(view, "y") }
        return one.lines.at(pointer, scale, (row) => !hidden.has(String(row["tone"])))
      }
      const { tooltip: says, datum } = (item ?? {}) as { tooltip?: unknown; datum?: Record<string, unknown> }
      return says === undefined ? undefined : datum
    }
    // Vega's own tooltips know a line only near its points; ours finds the nearest.
    view.tooltip(() => undefined)
    view.addEventListener("pointermove", (event, item) => {
      const row = under(event as PointerEvent, item)
      container.style.cursor = row === undefined ? "" : "pointer"
      if (row === undefined) return leave()
      tooltip.show(event as PointerEvent, row, chart.measure)
      focus.hover(Number(row["trial"]))
    })
    view.addEventListener("click", (event, item) => {
      const row = under(event as MouseEvent, item)
      if (row !== undefined) focus.hold(Number(row["trial"]))
    })
    container.addEventListener("pointerleave", leave)

    await view.runAsync()
    // The picture goes when the live chart is there, so that nothing flickers.
    box.replaceChildren(container)
    drawn.set(chart.id, one)
    if (focused !== 0) bringOut(one)
    if (one.knows(frames.x)) {
      // Curves over the same steps move together.
      view.addSignalListener(frames.x, (_name, domain) => {
        for (const { view: other, knows } of drawn.values()) {
          if (other === view || !knows(frames.x) || String(other.signal(frames.x)) === String(domain)) continue
          // The interval counts only when both of its sides are set.
          const values = domain === null ? null : (other.signal(frames.y) ?? scaleOf(other, "y").domain())
          void other.signal(frames.x, domain).signal(frames.y, values).runAsync()
        }
      })
    }
  }

  focus.subscribe((trial) => {
    focused = trial
    for (const one of drawn.values()) bringOut(one)
  })

  for (const chip of document.querySelectorAll<HTMLElement>("[data-tone]")) {
    chip.addEventListener("click", () => {
      const tone = chip.dataset["tone"]!
      if (!hidden.delete(tone)) hidden.add(tone)
      chip.setAttribute("aria-pressed", String(!hidden.has(tone)))
      for (const { view, knows } of drawn.values()) {
        if (knows("hidden")) void view.signal("hidden", [...hidden]).runAsync()
      }
    })
  }

  for (const button of document.querySelectorAll<HTMLElement>("[data-zoom]")) {
    button.addEventListener("click", () => {
      const view = drawn.get(button.dataset["for"]!)?.view
      if (view === undefined) return
      const way = button.dataset["zoom"]!
      for (const [channel, signal] of Object.entries(frames)) {
        if (way === "reset") {
          view.signal(signal, null)
          continue
        }
        const [low, high] = scaleOf(view, channel).domain()
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
  const boxes = [...waiting.keys()]
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
  const sizes = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const one = drawn.get((target as HTMLElement).dataset["chart"]!)
      if (one !== undefined && one.view.width() !== widthOf(one.box)) void one.view.width(widthOf(one.box)).runAsync()
    }
  })
  for (const box of boxes) {
    observer.observe(box)
    sizes.observe(box)
  }
  const whenIdle = window.requestIdleCallback ?? ((then: () => void) => setTimeout(then, 120))
  const drawRest = (): void => {
    const [box] = waiting.keys()
    if (box !== undefined) void start(box).finally(() => whenIdle(drawRest))
  }
  whenIdle(drawRest)
}
