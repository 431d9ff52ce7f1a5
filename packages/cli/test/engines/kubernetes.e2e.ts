// Every manifest against Kubernetes' own schemas (PyPI: kubernetes-validate), strictly: an unknown key is an error. No
// cluster is asked: there is none in the packages this can be tested with.
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import * as Schema from "effect/Schema"
import { expect, it } from "vitest"
import { parse, parseAllDocuments } from "yaml"
import { AgentsSetting } from "@sweep/engines/engineFor"
import { jobManifest } from "@sweep/engines/kubernetes"
import { root } from "../e2e/harness.ts"

const validator = `
import json, sys
import kubernetes_validate
for manifest in json.load(sys.stdin):
    for version in ("1.27", "1.31", "1.36"):
        kubernetes_validate.validate(manifest, version, strict=True)
`

const problem = (...manifests: ReadonlyArray<unknown>): string => {
  try {
    execFileSync(process.env["SWEEP_ENGINES_PYTHON"] ?? "python3", ["-c", validator], {
      input: JSON.stringify(manifests),
      stdio: ["pipe", "pipe", "pipe"],
    })
    return ""
  } catch (error) {
    return String((error as { readonly stderr: Buffer }).stderr)
  }
}

const job = { name: "sweep-1", command: ["sweep", "agent", "--coordinator", "sweep:7733"], directory: "/s" }
const everything = {
  image: "registry/sweep:1",
  gpus: 1,
  cpus: 4,
  memory: "32Gi",
  queue: "team-a",
  nodeSelector: { spot: "true" },
  tolerations: [{ key: "nvidia.com/gpu", operator: "Exists", effect: "NoSchedule", tolerationSeconds: 30 }],
  secret: "sweep-agents",
  pullSecret: "registry",
  claim: "models",
}

it("agents' Jobs are what Kubernetes expects, and the check sees what is not", () => {
  expect(problem(jobManifest({ image: "x" }, job, "sweep-1-a"), jobManifest(everything, job, "sweep-1-b"))).toBe("")
  const wrong = jobManifest(everything, job, "sweep-1-c")
  expect(problem({ ...wrong, spec: { ...wrong.spec, retries: 3 } })).toMatch(/retries/)
})

it("the coordinator's manifests are, too, and its ConfigMap is a setting that is accepted", () => {
  const text = readFileSync(join(root, "agents/deploy/kubernetes/coordinator.yaml"), "utf8")
  const manifests: ReadonlyArray<any> = parseAllDocuments(text).map((one) => one.toJS() as unknown)
  expect(manifests.map(({ kind }) => kind)).toEqual([
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "ConfigMap",
    "PersistentVolumeClaim",
    "Deployment",
    "Service",
  ])
  expect(problem(...manifests)).toBe("")
  const setting = parse(manifests[3].data["agents.yaml"]) as unknown
  expect(Schema.decodeUnknownSync(AgentsSetting, { onExcessProperty: "error" })(setting)).toMatchObject({
    engine: "kubernetes",
    secret: "sweep-agents",
  })
})
