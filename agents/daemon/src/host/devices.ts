// What this machine can train on: NVIDIA GPUs as `nvidia-smi` lists them, else the CPU with the memory and cores this
// process may use. Owns finding devices and dividing them into slots; whether a slot is free is the slot loop's.
import { execFile } from "node:child_process"
import { availableParallelism, cpus, totalmem } from "node:os"
import { Device, Slot } from "@sweep/domain/Device"
import * as Effect from "effect/Effect"

/** `nvidia-smi` on a machine with a broken GPU can hang for ever: no answer in time is no GPU. */
const probeTimeoutMillis = 10_000

interface Probe {
  /** Lines of the answer; `undefined` when there is no `nvidia-smi`. */
  readonly lines: ReadonlyArray<string> | undefined
  readonly problem: string | undefined
}

const cards = ["--query-gpu=index,uuid,name,memory.total,memory.used", "--format=csv,noheader,nounits"]
/** With the instances into which cards are divided (MIG), which the query leaves out. */
const instances = ["-L"]

const probe = (
  timeoutMillis: number,
  environment: NodeJS.ProcessEnv,
  question: ReadonlyArray<string> = cards,
): Effect.Effect<Probe> =>
  Effect.callback<Probe>((resume) => {
    const answer = (lines: Probe["lines"], problem?: string) => resume(Effect.succeed({ lines, problem }))
    const child = execFile(
      "nvidia-smi",
      question,
      { maxBuffer: 1 << 20, env: environment },
      (error, stdout, stderr) => {
        if (error === null) answer(stdout.split("\n").filter((line) => line.trim() !== ""))
        else if (error.code === "ENOENT") answer(undefined)
        else {
          const said = (stderr.trim() || stdout.trim() || error.message).split("\n")[0]!
          answer(undefined, `nvidia-smi failed: ${said}`)
        }
      },
    )
    // Not left to execFile's own time limit: that waits for the process to go, and one stuck in the driver never does.
    const timer = setTimeout(() => {
      child.kill("SIGKILL")
      child.stdout?.destroy()
      child.stderr?.destroy()
      child.unref()
      answer(undefined, `nvidia-smi did not answer within ${timeoutMillis / 1000} s`)
    }, timeoutMillis)
    child.once("exit", () => clearTimeout(timer))
    return Effect.sync(() => {
      clearTimeout(timer)
      child.kill("SIGKILL")
    })
  })

/** Which GPUs the environment leaves visible, each by the driver's index, a UUID or the beginning of one; `undefined`: all. */
const visible = (environment: NodeJS.ProcessEnv): ReadonlyArray<string> | undefined =>
  environment["CUDA_VISIBLE_DEVICES"]
    ?.split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "")

const mebibyte = 1024 * 1024

interface Card {
  readonly device: Device
  readonly uuid: string
}

/** One line of the answer: `0, GPU-5a8e…, NVIDIA H100 80GB HBM3, 81559, 4`. A card that cannot tell its memory is not offered. */
const parseGpu = (line: string, threads: number): Card | undefined => {
  const match = /^\s*(\d+)\s*,\s*(GPU-[\w-]+)\s*,\s*(.+?)\s*,\s*(\d+)\s*,\s*(\d+)\s*$/.exec(line)
  if (match === null) return undefined
  const [, index, uuid, name, total] = match
  const memoryBytes = Number(total) * mebibyte
  return { uuid: uuid!, device: new Device({ kind: "cuda", index: Number(index), name: name!, memoryBytes, threads }) }
}

/** The instances that `nvidia-smi -L` lists: `  MIG 3g.40gb     Device  0: (UUID: MIG-7c1e…)` below their card. */
const parseInstances = (lines: ReadonlyArray<string>, threads: number): ReadonlyArray<Card> => {
  const found: Array<Card> = []
  let index = 0
  for (const line of lines) {
    index = Number(/^GPU (\d+):/.exec(line)?.[1] ?? index)
    const [, profile, gigabytes, uuid] = /^\s+MIG (\S+\.(\d+)gb\S*)\s.*\(UUID: (MIG-[^)]+)\)/.exec(line) ?? []
    if (uuid === undefined) continue
    const memoryBytes = Number(gigabytes) * 1024 * mebibyte
    const name = `MIG ${profile} of GPU ${index}`
    found.push({ uuid, device: new Device({ kind: "cuda", index, name, memoryBytes, threads, visibleAs: uuid }) })
  }
  return found
}

const usedBytes = (line: string): number | undefined => {
  const used = /,\s*\d+\s*,\s*(\d+)\s*$/.exec(line)?.[1]
  return used === undefined ? undefined : Number(used) * mebibyte
}

/** Bytes this process may use: the machine's, or less where a control group says so. */
const usableMemory = (): number => {
  const constrained = process.constrainedMemory()
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
}

export interface FoundDevices {
  readonly slots: ReadonlyArray<Slot>
  /** What a person should know of the machine: a probe that failed, a card that was left out. */
  readonly warnings: ReadonlyArray<string>
}

/** The cards that `only` names, in its order. A name that is no card's ends the list, as it does for CUDA. */
const chosen = (
  known: ReadonlyArray<Card>,
  only: ReadonlyArray<string>,
  warnings: Array<string>,
): ReadonlyArray<Device> => {
  const devices: Array<Device> = []
  for (const name of only) {
    const isIndex = /^-?\d+$/.test(name)
    const card = known.find(({ device, uuid }) =>
      isIndex ? device.visibleAs === undefined && String(device.index) === name : uuid.startsWith(name),
    )
    if (card === undefined) {
      if (!isIndex) warnings.push(`CUDA_VISIBLE_DEVICES names ${name}, which nvidia-smi does not list as usable`)
      break
    }
    devices.push(isIndex ? card.device : new Device({ ...card.device, visibleAs: card.uuid }))
  }
  return devices
}

/**
 * The slots of this machine: `perDevice` on each GPU (1 unless given), or on the CPU, its cores divided among them.
 * Never fails: a machine whose GPUs cannot be asked offers its CPU, with a warning.
 */
export const findDevices = Effect.fn("findDevices")(function* (options: {
  readonly perDevice?: number | undefined
  readonly timeoutMillis?: number | undefined
  readonly environment?: NodeJS.ProcessEnv | undefined
}) {
  const environment = options.environment ?? process.env
  const answer = yield* probe(options.timeoutMillis ?? probeTimeoutMillis, environment)
  const warnings: Array<string> = []
  const cores = availableParallelism()
  const lines = answer.lines ?? []
  const perDevice = Math.max(1, options.perDevice ?? (lines.length > 0 ? 1 : cpuSlots(cores)))
  const only = visible(environment)
  const known: Array<Card> = []
  for (const line of lines) {
    const gpu = parseGpu(line, Math.max(1, Math.floor(cores / (Math.max(1, lines.length) * perDevice))))
    if (gpu === undefined) warnings.push(`nvidia-smi lists a device this agent cannot use: ${line.trim()}`)
    else known.push(gpu)
  }
  if (lines.length > 0 && only?.some((name) => name.startsWith("MIG-")) === true) {
    const { lines: listed = [] } = yield* probe(options.timeoutMillis ?? probeTimeoutMillis, environment, instances)
    known.push(...parseInstances(listed, Math.max(1, Math.floor(cores / (only.length * perDevice)))))
  }
  const gpus = only === undefined ? known.map(({ device }) => device) : chosen(known, only, warnings)
  if (answer.problem !== undefined) warnings.push(`${answer.problem}; this agent offers the CPU only`)
  const devices = gpus.length > 0 ? gpus : [cpu(Math.max(1, Math.floor(cores / perDevice)))]
  const slots = devices.flatMap((device) => Array.from({ length: perDevice }, () => device))
  return {
    slots: slots.map((device, index) => new Slot({ index, devices: [device] })),
    warnings,
  } satisfies FoundDevices
})

/** What may be in the memory of a device that is free: the driver's own, a display's. */
const idleBytes = (device: Device): number => Math.max(1024 * mebibyte, 0.05 * device.memoryBytes)

/**
 * Why a trial cannot be put on the devices of `slot` now; `undefined` when it can, and for a CPU. For a slot on which none
 * of this agent's processes is: what is in a device's memory then is in the way.
 */
export const deviceProblem = Effect.fn("deviceProblem")(function* (
  slot: Slot,
  options: { readonly timeoutMillis?: number; readonly environment?: NodeJS.ProcessEnv } = {},
) {
  const gpus = slot.devices.filter(({ kind }) => kind === "cuda")
  if (gpus.length === 0) return undefined
  const answer = yield* probe(options.timeoutMillis ?? probeTimeoutMillis, options.environment ?? process.env)
  if (answer.lines === undefined) return answer.problem ?? "nvidia-smi is not there any more"
  for (const device of gpus) {
    const line = answer.lines.find((text) => text.trimStart().startsWith(`${device.index},`))
    const used = line === undefined ? undefined : usedBytes(line)
    if (used === undefined) return `nvidia-smi no longer lists GPU ${device.index}, or not its memory`
    // What others have in their instances of the card is in nobody's way.
    if (device.visibleAs?.startsWith("MIG-") === true) continue
    if (used > idleBytes(device)) {
      return `${Math.round(used / mebibyte)} MiB of the memory of GPU ${device.index} are in use by another program`
    }
  }
  return undefined
})

/** Small models gain from trials side by side; each takes about 2 GiB with its libraries, and beyond 4 nothing is gained. */
const cpuSlots = (cores: number): number => Math.max(1, Math.min(4, cores, Math.floor(usableMemory() / 3e9)))

const cpu = (threads: number): Device =>
  new Device({ kind: "cpu", index: 0, name: cpus()[0]?.model.trim() || "CPU", memoryBytes: usableMemory(), threads })
