// For whom the store is read. Who looks at a sweep waits for others who look; the coordinator's own decisions wait for
// none of them. Owns the distinction; how many of each read at once is the store's.
import * as Context from "effect/Context"

export const Reading = Context.Reference<"control" | "looking">("@sweep/store/Reading", {
  defaultValue: () => "control",
})
