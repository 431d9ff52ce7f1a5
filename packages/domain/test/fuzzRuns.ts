// How much a fuzz test tries: the same few inputs every time, or as many others as are asked for with
// SWEEP_FUZZ_RUNS=10000000.
const asked = process.env["SWEEP_FUZZ_RUNS"]

/** Parameters for fast-check's `assert`. */
export const fuzzRuns = (usual: number): { readonly numRuns: number; readonly seed?: number } =>
  asked === undefined ? { numRuns: usual, seed: 7 } : { numRuns: Number(asked) }
