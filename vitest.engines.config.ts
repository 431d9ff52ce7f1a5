// The tests that need an engine on this machine (Slurm, Ray): `npm run engines`.
import { defineConfig } from "vitest/config"

export default defineConfig({
  test: { include: ["packages/cli/test/engines/*.e2e.ts"], maxWorkers: 1, testTimeout: 600_000, hookTimeout: 120_000 },
})
