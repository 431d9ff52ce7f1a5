// A piece of a log out of the chunks it arrived in. Owns cutting by byte offsets without splitting a character.
import { Buffer } from "node:buffer"

interface Chunk {
  readonly offset: number
  readonly text: string
  readonly end: number
}

/** The longest start of `bytes`, at most `length`, that ends between two characters of UTF-8. */
const wholeCharacters = (bytes: Buffer, length: number): Buffer => {
  let end = Math.min(length, bytes.length)
  while (end > 0 && end < bytes.length && (bytes[end]! & 0xc0) === 0x80) end--
  return bytes.subarray(0, end)
}

/**
 * From `offset` on, about `limit` bytes: at least one character and never more than the limit beyond it, except that a
 * chunk which held bytes that are no UTF-8 comes whole. `chunks` are in order and reach beyond `offset`.
 */
export const logSlice = (
  chunks: ReadonlyArray<Chunk>,
  offset: number,
  limit: number,
): { readonly text: string; readonly end: number } => {
  let text = ""
  let end = offset
  for (const chunk of chunks) {
    if (chunk.end <= end) continue
    const left = offset + limit - end
    if (left <= 0) break
    const bytes = Buffer.from(chunk.text)
    if (bytes.length !== chunk.end - chunk.offset) {
      if (text !== "" && chunk.end - end > left) break
      text += chunk.text
      end = chunk.end
      continue
    }
    const rest = bytes.subarray(Math.max(0, end - chunk.offset))
    const piece = wholeCharacters(rest, left)
    const taken = piece.length === 0 && text === "" ? wholeCharacters(rest, 4) : piece
    text += taken.toString()
    end = Math.max(end, chunk.offset) + taken.length
    if (taken.length < rest.length) break
  }
  return { text, end }
}
