// Sizes of graphics cards, by name or as a number. Owns the table and the reading of what a user writes; what an agent's
// card really has is the driver's to say.

const gibibyte = 2 ** 30

/** GiB, from the makers' data sheets; a name with several sizes needs the size in it. */
const cards: Readonly<Record<string, number>> = {
  rtx2060: 6,
  rtx2070: 8,
  rtx2080: 8,
  rtx2080ti: 11,
  rtx3050: 8,
  rtx3060: 12,
  rtx3070: 8,
  rtx3080: 10,
  rtx3090: 24,
  rtx3090ti: 24,
  rtx4060: 8,
  rtx4070: 12,
  rtx4070tisuper: 16,
  rtx4080: 16,
  rtx4090: 24,
  rtx5070: 12,
  rtx5070ti: 16,
  rtx5080: 16,
  rtx5090: 32,
  rtxa4000: 16,
  rtxa5000: 24,
  rtxa6000: 48,
  t4: 16,
  v100: 32,
  p100: 16,
  a10: 24,
  a10g: 24,
  l4: 24,
  l40s: 48,
  a40: 48,
  a100: 80,
  h100: 80,
  h200: 141,
  b200: 180,
  mi300x: 192,
}

export const knownCards: ReadonlyArray<string> = Object.keys(cards)

export interface Card {
  readonly name: string
  readonly bytes: number
}

const units = { gib: gibibyte, gb: 1e9, g: gibibyte, mib: 2 ** 20, mb: 1e6 } as const

const knownSize = (name: string): number | undefined => {
  const joined = name.replace(/^(?:(?:nvidia|geforce|amd)[\s_-]*)+/, "").replace(/[\s_-]/g, "")
  return Object.hasOwn(cards, joined) ? cards[joined] : cards[`rtx${joined}`]
}

/** `8GiB`, `24GB`, `rtx3090`, `RTX 3090`, `a100-40gb`; `undefined`: none of these. */
export const parseCard = (text: string): Card | undefined => {
  const plain = text.trim().toLowerCase()
  const size = /^(\d+(?:\.\d+)?)\s*(gib|gb|g|mib|mb)$/.exec(plain)
  if (size !== null) {
    const bytes = Number(size[1]) * units[size[2] as keyof typeof units]
    return bytes > 0 ? { name: text.trim(), bytes } : undefined
  }
  const own = knownSize(plain)
  if (own !== undefined) return { name: text.trim(), bytes: own * gibibyte }
  const sized = /^(.+)[\s_-](\d+)\s*g(?:i?b)?$/.exec(plain)
  return sized !== null && knownSize(sized[1]!) !== undefined && Number(sized[2]) > 0
    ? { name: text.trim(), bytes: Number(sized[2]) * gibibyte }
    : undefined
}

/** A display, the driver and fragments of free memory take their share: what a run may take of a card. */
export const usableBytes = ({ bytes }: Card): number => 0.95 * bytes
