// The environment a trainer gets. Owns the allowlist: what training programs need of the agent's environment passes,
// anything else (tokens of this agent, of its service manager, of the person's shell) does not; secrets only to the
// trials that name them.
import { readFileSync } from "node:fs"
import type { Slot } from "@sweep/domain/Device"
import { isSecret } from "@sweep/domain/Secrets"
import { treeVariable } from "./ProcessTree.ts"

const names = new Set(
  (
    "PATH HOME USER LOGNAME SHELL LANG LANGUAGE TZ TMPDIR TMP TEMP LD_LIBRARY_PATH LIBRARY_PATH VIRTUAL_ENV " +
    "http_proxy https_proxy no_proxy all_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY ALL_PROXY " +
    "SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE"
  ).split(" "),
)
const prefixes = (
  "LC_ XDG_ PYTHON CONDA_ CUDA_ NVIDIA_ NCCL_ OMP_ MKL_ OPENBLAS_ TORCH PYTORCH_ TRITON_ " +
  "HF_ HUGGINGFACE_ TRANSFORMERS_ TOKENIZERS_ SAFETENSORS_ MODELSCOPE_ BITSANDBYTES_ WANDB_ SLURM_"
).split(" ")

const allowed = (name: string, extra: ReadonlySet<string>): boolean =>
  names.has(name) || extra.has(name) || prefixes.some((prefix) => name.startsWith(prefix))

/** The names of secrets in the trial.json at `path`. */
export const namedSecrets = (path: string): ReadonlyArray<string> => {
  const { secrets } = JSON.parse(readFileSync(path, "utf8")) as { readonly secrets?: unknown }
  return Array.isArray(secrets) ? secrets.filter((name) => typeof name === "string") : []
}

/** Which of the named secrets are there to be passed: all but sweep's own and those the agent's owner withholds. */
export const passedSecrets = (
  named: ReadonlyArray<string>,
  withheld: ReadonlyArray<string>,
  environment: NodeJS.ProcessEnv = process.env,
): ReadonlyArray<string> =>
  Array.from(new Set(named))
    .filter((name) => !name.startsWith("SWEEP_") && !withheld.includes(name) && environment[name] !== undefined)
    .sort()

/** For a trainer on `slot`, tied to its tree by `mark`. `extra`: further names the agent's owner lets pass. */
export const trainerEnvironment = (options: {
  readonly slot: Slot
  readonly mark: string
  readonly extra: ReadonlyArray<string>
  /** What `passedSecrets` chose. */
  readonly secrets: ReadonlyArray<string>
  readonly pythonPath: string | null
  readonly environment?: NodeJS.ProcessEnv
}): Record<string, string> => {
  const extra = new Set(options.extra)
  const secrets = new Set(options.secrets)
  const result: Record<string, string> = {}
  for (const [name, value] of Object.entries(options.environment ?? process.env)) {
    if (value === undefined) continue
    if (secrets.has(name) || (allowed(name, extra) && !isSecret(name, value))) result[name] = value
  }
  const [device] = options.slot.devices
  const gpus = options.slot.devices.filter(({ kind }) => kind === "cuda")
  if (gpus.length > 0) {
    // So that an index means the same card here as for nvidia-smi.
    result["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    result["CUDA_VISIBLE_DEVICES"] = gpus.map(({ index, visibleAs }) => visibleAs ?? index).join(",")
  }
  // Several trials on one machine would otherwise each start a thread per core.
  result["OMP_NUM_THREADS"] = String(device.threads)
  result["PYTHONUNBUFFERED"] = "1"
  if (options.pythonPath !== null) {
    const before = result["PYTHONPATH"]
    result["PYTHONPATH"] = before === undefined ? options.pythonPath : `${options.pythonPath}:${before}`
  }
  result[treeVariable] = options.mark
  return result
}
