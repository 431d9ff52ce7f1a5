import { chmodSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Device, Slot } from "@sweep/domain/Device"
import { deviceProblem, findDevices, type FoundDevices } from "../src/host/devices.ts"
import { trainerEnvironment } from "../src/process/trainerEnvironment.ts"
import { temporaryDirectory } from "./testAgent.ts"

/** PATH begins with a directory whose `nvidia-smi` is this shell script. */
const machineWith = (lines: string, extra: NodeJS.ProcessEnv = {}) =>
  Effect.gen(function* () {
    const directory = yield* temporaryDirectory
    const path = join(directory, "nvidia-smi")
    writeFileSync(path, `#!/bin/sh\n${lines}\n`)
    chmodSync(path, 0o755)
    const { CUDA_VISIBLE_DEVICES: _, ...environment } = process.env
    return { ...environment, PATH: `${directory}:${process.env["PATH"]}`, ...extra }
  })

const twoGpus = `
test "$*" = "--query-gpu=index,uuid,name,memory.total,memory.used --format=csv,noheader,nounits" || exit 9
echo "0, GPU-0b5e6a5c-9d9c-4a9e-8c6e-7d2f4b1a0c3e, NVIDIA H100 80GB HBM3, 81559, 4"
echo "1, GPU-1b5e6a5c-9d9c-4a9e-8c6e-7d2f4b1a0c3e, NVIDIA H100 80GB HBM3, 81559, 1024"`

const kinds = (found: FoundDevices) => new Set(found.slots.map(({ devices }) => devices[0].kind))

describe("devices", () => {
  it.live("are the GPUs that nvidia-smi lists, one slot on each", () =>
    Effect.gen(function* () {
      const found = yield* findDevices({ environment: yield* machineWith(twoGpus) })
      expect(found.warnings).toEqual([])
      expect(found.slots.map(({ index, devices }) => [index, devices[0].kind, devices[0].index])).toEqual([
        [0, "cuda", 0],
        [1, "cuda", 1],
      ])
      expect(found.slots[0]!.devices[0]).toMatchObject({ name: "NVIDIA H100 80GB HBM3", memoryBytes: 81559 * 2 ** 20 })
    }),
  )

  it.live("are those the environment leaves visible, with as many slots as asked for", () =>
    Effect.gen(function* () {
      const environment = yield* machineWith(twoGpus, { CUDA_VISIBLE_DEVICES: "1" })
      const found = yield* findDevices({ environment, perDevice: 2 })
      expect(found.slots.map(({ index, devices }) => [index, devices[0].index])).toEqual([
        [0, 1],
        [1, 1],
      ])
    }),
  )

  it.live("leave out a card that cannot tell its memory, with a word", () =>
    Effect.gen(function* () {
      const found = yield* findDevices({
        environment: yield* machineWith(
          'echo "0, GPU-0b5e6a5c-9d9c-4a9e-8c6e-7d2f4b1a0c3e, NVIDIA A, [GPU is lost], [N/A]"\necho "1, GPU-1b5e6a5c-9d9c-4a9e-8c6e-7d2f4b1a0c3e, NVIDIA B, 1000, 1"',
        ),
      })
      expect(found.slots.map(({ devices }) => devices[0].name)).toEqual(["NVIDIA B"])
      expect(found.warnings).toEqual([expect.stringContaining("NVIDIA A")])
    }),
  )

  // What `nvidia-smi` prints on hosts of these kinds, in the formats of the two questions that the agent asks; there is no
  // card here. Names, layout and words follow NVIDIA's documentation and output that users have published.
  const first = "GPU-5a8e1f20-31c5-2c7b-9d84-0f4a6b7c8d9e"
  const second = "GPU-77fd0c4a-88e2-1b3d-a5c6-e7f8091a2b3c"
  const mig = "MIG-7c1e2d3f-4a5b-5c6d-8e7f-90a1b2c3d4e5"
  const pair = `0, ${first}, NVIDIA A100-SXM4-80GB, 81920, 4\n1, ${second}, NVIDIA A100-SXM4-80GB, 81920, 4`
  const divided = `GPU 0: NVIDIA A100-SXM4-80GB (UUID: ${first})
  MIG 3g.40gb     Device  0: (UUID: ${mig})
  MIG 1g.10gb     Device  1: (UUID: MIG-00000000-1111-5222-8333-444444444444)
GPU 1: NVIDIA A100-SXM4-80GB (UUID: ${second})`
  const recorded: ReadonlyArray<
    readonly [string, string, string | undefined, ReadonlyArray<string>, ReadonlyArray<string>, RegExp | null]
  > = [
    ["two cards", pair, undefined, ["0", "1"], ["0", "1"], null],
    ["one card of two, by UUID", pair, second, ["1"], [second], null],
    ["one card of two, by the beginning of its UUID", pair, "GPU-5a8e", ["0"], [first], null],
    ["cards of another order", pair, "1,0", ["1", "0"], ["1", "0"], null],
    ["an instance of a divided card", pair, mig, ["0"], [mig], null],
    ["a UUID of another host's card", pair, "GPU-12345678", ["cpu"], [], /names GPU-12345678/],
    ["an instance that is gone", pair, "MIG-99999999", ["cpu"], [], /names MIG-99999999/],
    ["nothing visible", pair, "-1", ["cpu"], [], null],
    ["an index beyond the cards", pair, "1,7,0", ["1"], ["1"], null],
    [
      "a lost card",
      `0, ${first}, NVIDIA GeForce RTX 3090, [GPU is lost], [GPU is lost]\n1, ${second}, NVIDIA GeForce RTX 3090, 24576, 18`,
      undefined,
      ["1"],
      ["1"],
      /cannot use: 0/,
    ],
    [
      "a card with broken memory",
      `0, ${first}, Tesla V100-SXM2-16GB, [Unknown Error], [Unknown Error]`,
      undefined,
      ["cpu"],
      [],
      /cannot use: 0/,
    ],
    ["unified memory", `0, ${first}, NVIDIA GB10, [N/A], [N/A]`, undefined, ["cpu"], [], /cannot use: 0/],
    [
      "a warning beside the cards",
      `WARNING: infoROM is corrupted at gpu 0000:01:00.0\n${pair}`,
      undefined,
      ["0", "1"],
      ["0", "1"],
      /cannot use: WARNING/,
    ],
    ["no devices", "No devices were found", undefined, ["cpu"], [], /cannot use: No devices/],
  ]
  it.live.each(recorded)("of a host with %s", ([, answer, only, expected, shown, warned]) =>
    Effect.gen(function* () {
      const script = `if [ "$1" = -L ]; then\ncat <<'END'\n${divided}\nEND\nelse\ncat <<'END'\n${answer}\nEND\nfi`
      const environment = yield* machineWith(script, only === undefined ? {} : { CUDA_VISIBLE_DEVICES: only })
      const { slots, warnings } = yield* findDevices({ environment, perDevice: 1 })
      const found = slots.map(({ devices: [device] }) => (device.kind === "cpu" ? "cpu" : String(device.index)))
      expect(found).toEqual(expected)
      const visible = slots.flatMap((slot) => {
        const trainer = { slot, mark: "m", extra: [], secrets: [], pythonPath: null, environment }
        const { CUDA_VISIBLE_DEVICES: named } = trainerEnvironment(trainer)
        // A trainer on the CPU sees what its agent does.
        return slot.devices[0].kind === "cpu" ? [] : [named]
      })
      expect(visible).toEqual(shown)
      if (warned === null) expect(warnings).toEqual([])
      else expect(warnings.join("\n")).toMatch(warned)
    }),
  )

  it.live("are the memory of an instance, not of its card", () =>
    Effect.gen(function* () {
      const script = `if [ "$1" = -L ]; then\ncat <<'END'\n${divided}\nEND\nelse\ncat <<'END'\n${pair}\nEND\nfi`
      const environment = yield* machineWith(script, { CUDA_VISIBLE_DEVICES: mig })
      const { slots } = yield* findDevices({ environment })
      expect(slots[0]!.devices[0]).toMatchObject({ name: "MIG 3g.40gb of GPU 0", memoryBytes: 40 * 2 ** 30 })
    }),
  )

  it.live("are the CPU when nvidia-smi fails, hangs, says nothing or is not there", () =>
    Effect.gen(function* () {
      const failed = yield* findDevices({ environment: yield* machineWith("echo NVRM: no driver >&2; exit 9") })
      expect(kinds(failed)).toEqual(new Set(["cpu"]))
      expect(failed.warnings).toEqual(["nvidia-smi failed: NVRM: no driver; this agent offers the CPU only"])
      // The shell's child keeps the pipe open after the shell itself was killed.
      const hung = yield* findDevices({ environment: yield* machineWith("sleep 5"), timeoutMillis: 200 })
      expect(kinds(hung)).toEqual(new Set(["cpu"]))
      expect(hung.warnings).toEqual(["nvidia-smi did not answer within 0.2 s; this agent offers the CPU only"])
      const silent = yield* findDevices({ environment: yield* machineWith("true") })
      expect(kinds(silent)).toEqual(new Set(["cpu"]))
      const absent = yield* findDevices({ environment: { PATH: "/nonexistent" }, perDevice: 2 })
      expect(absent.warnings).toEqual([])
      expect(absent.slots.map(({ index }) => index)).toEqual([0, 1])
      const [device] = absent.slots[0]!.devices
      expect(device.memoryBytes).toBeGreaterThan(0)
      expect(device.threads).toBeGreaterThan(0)
    }),
  )
})

describe("a device", () => {
  const gpu = (index: number) =>
    new Slot({
      index: 0,
      devices: [new Device({ kind: "cuda", index, name: "H100", memoryBytes: 81559 * 2 ** 20, threads: 1 })],
    })

  it.live("is free when next to nothing is in its memory", () =>
    Effect.gen(function* () {
      const environment = yield* machineWith(`
echo "0, GPU-0b5e6a5c-9d9c-4a9e-8c6e-7d2f4b1a0c3e, NVIDIA H100 80GB HBM3, 81559, 900"
echo "1, GPU-1b5e6a5c-9d9c-4a9e-8c6e-7d2f4b1a0c3e, NVIDIA H100 80GB HBM3, 81559, 30000"
echo "10, GPU-10b5e6a5c-9d9c-4a9e-8c6e-7d2f4b1a0c3e, NVIDIA H100 80GB HBM3, 81559, 0"`)
      expect(yield* deviceProblem(gpu(0), { environment })).toBeUndefined()
      expect(yield* deviceProblem(gpu(1), { environment })).toBe(
        "30000 MiB of the memory of GPU 1 are in use by another program",
      )
      expect(yield* deviceProblem(gpu(10), { environment })).toBeUndefined()
    }),
  )

  it.live("that fell off the bus, or whose driver does not answer, is none to train on", () =>
    Effect.gen(function* () {
      const listed = yield* machineWith(
        'echo "0, GPU-0b5e6a5c-9d9c-4a9e-8c6e-7d2f4b1a0c3e, NVIDIA H100, [GPU is lost], [N/A]"',
      )
      expect(yield* deviceProblem(gpu(0), { environment: listed })).toMatch(/no longer lists GPU 0, or not its memory/)
      expect(yield* deviceProblem(gpu(1), { environment: listed })).toMatch(/no longer lists GPU 1/)
      const failing = yield* machineWith('echo "Unable to determine the device handle: Unknown Error" >&2; exit 15')
      expect(yield* deviceProblem(gpu(0), { environment: failing })).toMatch(/nvidia-smi failed: Unable to determine/)
      const hanging = yield* machineWith("exec sleep 60")
      expect(yield* deviceProblem(gpu(0), { environment: hanging, timeoutMillis: 200 })).toMatch(
        /did not answer within 0.2 s/,
      )
    }),
  )

  it.live("of a CPU is always free", () =>
    Effect.gen(function* () {
      const { slots } = yield* findDevices({ environment: yield* machineWith("exit 1") })
      expect(yield* deviceProblem(slots[0]!)).toBeUndefined()
    }),
  )
})
