// Columns of numbers as the little-endian bytes they travel in. Owns this conversion; typed arrays have the byte order of
// the machine, and every machine Node.js runs on but IBM's s390x is little-endian.
import { WireError } from "../transport/WireError.ts"

export const toBytes64 = (column: ArrayLike<number>): Buffer => {
  const array = column instanceof Float64Array ? column : Float64Array.from(column)
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength)
}

export const toBytes32 = (column: ArrayLike<number>): Buffer => {
  const array = column instanceof Uint32Array ? column : Uint32Array.from(column)
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength)
}

// Copied, because a message's bytes rarely begin where a typed array may.
const aligned = (field: string, bytes: Uint8Array, width: number): ArrayBuffer => {
  if (bytes.byteLength % width !== 0) {
    throw new WireError({ message: `${field}: ${bytes.byteLength} bytes are no column of ${8 * width}-bit numbers` })
  }
  const copy = new ArrayBuffer(bytes.byteLength)
  new Uint8Array(copy).set(bytes)
  return copy
}

export const fromBytes64 = (field: string, bytes: Uint8Array): Float64Array =>
  new Float64Array(aligned(field, bytes, 8))

export const fromBytes32 = (field: string, bytes: Uint8Array): Uint32Array => new Uint32Array(aligned(field, bytes, 4))
