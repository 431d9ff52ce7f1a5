import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["packages/*/test/**/*.test.ts", "reports/test/**/*.test.ts", "agents/daemon/test/**/*.test.ts"],
    // Two cores: the end-to-end tests start trainers that want one themselves.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
