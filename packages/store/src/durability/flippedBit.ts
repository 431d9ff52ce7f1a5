// Where the one bit is that was flipped in a log, from its CRC-32 and the CRC-32 it should have. CRC-32 is linear: the
// difference of both depends only on how far the flipped bit is from the end, and no two places below 512 MiB share one.
// (CRC-32 as in zlib: reflected, polynomial 0xedb88320, whose period is 2^32 - 1 bits.)

const polynomial = 0xedb88320

/** Bit `bit` of byte `byte`, or `undefined` when no single flip explains it. `bytes`: the length both were taken over. */
export const flippedBit = (
  bytes: number,
  expected: number,
  found: number,
): { readonly byte: number; readonly bit: number } | undefined => {
  const difference = (expected ^ found) >>> 0
  // The last bit that goes in is bit 7 of the last byte; each further bit behind it is one more step of the register.
  let register = polynomial
  for (let back = 0; back < bytes * 8; back++) {
    if (register >>> 0 === difference) return { byte: bytes - 1 - (back >>> 3), bit: 7 - (back & 7) }
    register = (register & 1) === 1 ? (register >>> 1) ^ polynomial : register >>> 1
  }
  return undefined
}
