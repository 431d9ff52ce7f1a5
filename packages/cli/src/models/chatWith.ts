// One question to a served model, its answer piece by piece. Owns the client's side of the stream.

export interface Message {
  readonly role: "system" | "user" | "assistant"
  readonly content: string
}

/** Fails with what the server says. */
export async function* answer(
  url: string,
  messages: ReadonlyArray<Message>,
  options: { readonly temperature: number; readonly maxTokens: number; readonly key: string | null },
): AsyncGenerator<string> {
  const response = await fetch(`${url}/chat/completions`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(options.key === null ? {} : { authorization: `Bearer ${options.key}` }),
    },
    body: JSON.stringify({ messages, stream: true, temperature: options.temperature, max_tokens: options.maxTokens }),
  })
  if (!response.ok || response.body === null) {
    const body = (await response.json().catch(() => ({}))) as { readonly error?: { readonly message?: string } }
    throw new Error(body.error?.message ?? `the server answered ${response.status}`)
  }
  let rest = ""
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const events = `${rest}${chunk}`.split("\n\n")
    rest = events.pop()!
    for (const event of events) {
      const data = event.replace(/^data: /, "")
      if (data === "[DONE]") return
      const { choices } = JSON.parse(data) as { readonly choices: ReadonlyArray<{ delta: { content?: string } }> }
      const piece = choices[0]?.delta.content
      if (piece !== undefined && piece !== "") yield piece
    }
  }
}
