// The stream of events: it comes back by itself, with the id of the last event, however long the coordinator was away.
type Handlers = Readonly<Record<string, (data: never) => void>>

export let role: "read" | "submit" | "none" = "none"

/** Returns how to end it. `away` is told whether the coordinator is there, and what it says against this browser. */
export const connect = (path: string, handlers: Handlers, away: (message: string | null, gone: boolean) => void) => {
  let source: EventSource | undefined
  let known = ""
  let ended = false
  let timer: ReturnType<typeof setTimeout> | undefined

  const again = async () => {
    if (ended) return
    try {
      const response = await fetch(path, {
        headers: { accept: "text/event-stream" },
        signal: AbortSignal.timeout(2_000),
      })
      if (!response.ok) away(((await response.json()) as { message: string }).message, true)
      else await response.body?.cancel()
    } catch {
      away(null, true)
    }
    if (!ended) timer = setTimeout(open, 500)
  }
  const open = () => {
    if (ended) return
    source = new EventSource(known === "" ? path : `${path}?known=${encodeURIComponent(known)}`)
    source.addEventListener("hello", (event) => {
      role = (JSON.parse((event as MessageEvent<string>).data) as { role: "read" | "submit" }).role
      away(null, false)
    })
    for (const [name, handle] of Object.entries(handlers)) {
      source.addEventListener(name, (event) => {
        const message = event as MessageEvent<string>
        if (message.lastEventId !== "") known = message.lastEventId
        handle(JSON.parse(message.data) as never)
      })
    }
    source.onerror = () => {
      away(null, true)
      source?.close()
      clearTimeout(timer)
      timer = setTimeout(again, 250)
    }
  }
  open()
  return () => {
    ended = true
    clearTimeout(timer)
    source?.close()
  }
}

export const get = async <A>(path: string): Promise<A> => {
  const response = await fetch(path)
  if (!response.ok) throw new Error(((await response.json()) as { message: string }).message)
  return (await response.json()) as A
}

export const post = async (path: string, body: unknown): Promise<unknown> => {
  const response = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  })
  const answer: unknown = await response.json()
  if (!response.ok) throw new Error((answer as { message: string }).message)
  return answer
}
