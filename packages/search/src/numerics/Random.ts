// The generator behind every draw: pure, keyed by (seed, number, stream), so that the draws of trial 17 are the same
// whatever happened before them, after a restart and on another machine. Owns the bits and the uniform and normal
// deviates made of them; which distribution they stand for is Quantile's and Space's work. Not for cryptography.
import { normalQuantile } from "./Normal.ts"

export interface Random {
  /** In [0, 2³²). */
  readonly uint32: () => number
  /** In (0, 1), 53 bits, never an end. */
  readonly uniform: () => number
  /** Of mean 0 and standard deviation 1. */
  readonly normal: () => number
  /** In 0 … n − 1. */
  readonly index: (n: number) => number
}

/** MurmurHash3's finaliser (Appleby, public domain): every input bit flips every output bit with probability ½. */
const mix = (h: number): number => {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** Weyl constant of SplitMix (⌊2³² / φ⌋, odd), which keeps runs of equal words apart. */
const golden = 0x9e3779b9

const absorb = (h: number, word: number): number => mix((Math.imul(h, 5) + golden + (word | 0)) | 0)

const absorbInteger = (h: number, n: number): number => absorb(absorb(h, n), Math.floor(n / 0x1_0000_0000))

const absorbText = (h: number, text: string): number => {
  for (let i = 0; i < text.length; i++) h = absorb(h, text.charCodeAt(i))
  return absorb(h, text.length)
}

/** 32 bits of (seed, number, stream), for a seed of something else. */
export const hash = (seed: number, number: number, stream: string): number =>
  absorbText(absorbInteger(absorbInteger(0, seed), number), stream)

/** The seed of trial `number` (or of its replica), in [1, 2³¹): what Python's and torch's generators take. */
export const trialSeed = (seed: number, number: number): number => 1 + (hash(seed, number, "trial") % 0x7fff_fffe)

/**
 * xoshiro128** 1.1 (Blackman & Vigna, "Scrambled linear pseudorandom number generators", 2018; period 2¹²⁸ − 1),
 * its state made of the key by hashing.
 */
export const random = (seed: number, number: number, stream: string): Random => {
  const key = hash(seed, number, stream)
  let a = absorb(key, 1)
  let b = absorb(a, 2)
  let c = absorb(b, 3)
  let d = absorb(c, 4) | 1
  const uint32 = (): number => {
    const x = Math.imul(b, 5)
    const result = Math.imul((x << 7) | (x >>> 25), 9) >>> 0
    const t = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= t
    d = (d << 11) | (d >>> 21)
    return result
  }
  const uniform = (): number => ((uint32() >>> 5) * 0x400_0000 + (uint32() >>> 6) + 0.5) / 0x20_0000_0000_0000
  return {
    uint32,
    uniform,
    normal: () => normalQuantile(uniform()),
    index: (n) => Math.min(n - 1, Math.floor(uniform() * n)),
  }
}
