import { chmodSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Device, Slot } from "@sweep/domain/Device"
import { deviceProblem, findDevices, type FoundDevices } from "../src/host/devices.ts"
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
test "$*" = "--query-gpu=index,name,memory.total,memory.used --format=csv,noheader,nounits" || exit 9
echo "0, NVIDIA H100 80GB HBM3, 81559, 4"
echo "1, NVIDIA H100 80GB HBM3, 81559, 1024"`

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
        environment: yield* machineWith('echo "0, NVIDIA A, [GPU is lost], [N/A]"\necho "1, NVIDIA B, 1000, 1"'),
      })
      expect(found.slots.map(({ devices }) => devices[0].name)).toEqual(["NVIDIA B"])
      expect(found.warnings).toEqual([expect.stringContaining("NVIDIA A")])
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
echo "0, NVIDIA H100 80GB HBM3, 81559, 900"
echo "1, NVIDIA H100 80GB HBM3, 81559, 30000"
echo "10, NVIDIA H100 80GB HBM3, 81559, 0"`)
      expect(yield* deviceProblem(gpu(0), { environment })).toBeUndefined()
      expect(yield* deviceProblem(gpu(1), { environment })).toBe(
        "30000 MiB of the memory of GPU 1 are in use by another program",
      )
      expect(yield* deviceProblem(gpu(10), { environment })).toBeUndefined()
    }),
  )

  it.live("that fell off the bus, or whose driver does not answer, is none to train on", () =>
    Effect.gen(function* () {
      const listed = yield* machineWith('echo "0, NVIDIA H100, [GPU is lost], [N/A]"')
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
