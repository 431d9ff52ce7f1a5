// The first bytes of a connection, looked at before anybody answers. Owns that they are all there (a ClientHello comes in
// more than one packet) and are read again by whoever serves the connection. What they say decides only who that is: each
// of them goes through its own whole handshake.
import type { Socket } from "node:net"

/** Of a TLS record with its header. */
const mostBytes = 5 + 16_384
const handshake = 22

/** Whether no more is to be waited for: the first record is complete, or it is no TLS at all. */
const isWhole = (seen: Buffer): boolean =>
  seen.length > 0 &&
  (seen[0] !== handshake || (seen.length >= 5 && seen.length >= Math.min(mostBytes, 5 + seen.readUInt16BE(3))))

/** Calls `serve` once, with the first record; the socket is as if nothing had been read. */
export const whenGreeted = (socket: Socket, serve: (greeting: Buffer) => void): void => {
  let seen = Buffer.alloc(0)
  const read = (chunk: Buffer) => {
    seen = Buffer.concat([seen, chunk])
    if (!isWhole(seen)) return
    socket.off("data", read)
    socket.pause()
    socket.unshift(seen)
    serve(seen)
  }
  socket.on("data", read)
}
