// One request to an engine's API. Owns that it is no browser's: `fetch` sends `Sec-Fetch-Mode`, and Ray answers 405 to
// whatever looks like a page that posts to it. Takes an authority of one's own, which `fetch` does not.
import { request as plain } from "node:http"
import { request as secure } from "node:https"

const patience = 30_000
const mostBytes = 64 * 1024 * 1024

export interface Answer {
  readonly status: number
  readonly text: string
}

export const request = (
  url: URL,
  options: {
    readonly method: "GET" | "POST" | "DELETE"
    readonly body?: unknown
    readonly headers?: Readonly<Record<string, string>>
    /** PEM. */
    readonly ca?: string | undefined
  },
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { method, body, ca } = options
    const text = body === undefined ? undefined : JSON.stringify(body)
    const headers = {
      accept: "application/json",
      ...(text === undefined
        ? {}
        : { "content-type": "application/json", "content-length": String(Buffer.byteLength(text)) }),
      ...options.headers,
    }
    const own = ca === undefined ? {} : { ca }
    const ask = url.protocol === "https:" ? secure : plain
    // A connection each: one that was kept may be closed by the other side in the moment it is used.
    const asked = ask(url, { method, headers, timeout: patience, agent: false, ...own }, (response) => {
      const chunks: Array<Buffer> = []
      let bytes = 0
      response.on("data", (chunk: Buffer) => {
        chunks.push(chunk)
        if ((bytes += chunk.length) > mostBytes) response.destroy(new Error("the answer is too long"))
      })
      response.once("end", () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }))
      response.once("error", reject)
    })
    asked.once("timeout", () => asked.destroy(new Error("it does not answer")))
    asked.once("error", reject)
    asked.end(text)
  })
