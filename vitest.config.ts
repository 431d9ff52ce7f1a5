import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["packages/*/test/**/*.test.ts", "reports/test/**/*.test.ts", "agents/daemon/test/**/*.test.ts"],
    // Two cores: the end-to-end tests start trainers that want one themselves.
    maxWorkers: 2,
    // Only a test that hangs should meet these: a busy machine takes long over a good one.
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
})
