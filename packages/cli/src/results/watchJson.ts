// A watch event as JSON for programs.
import type { WatchEvent } from "@sweep/protocol/SweepApi"
import { summaryJson, trialJson } from "./summary.ts"

export const watchEventJson = (event: WatchEvent) => {
  switch (event._tag) {
    case "Snapshot":
      return {
        type: "snapshot",
        ...summaryJson(event.sweep),
        trial_list: Array.from(event.sweep.trials.values(), trialJson(event.sweep)),
        progress: event.progress,
      }
    case "Recorded":
      return { type: "recorded", fact: event.fact }
    case "Progress":
      return { type: "progress", progress: event.progress }
  }
}
