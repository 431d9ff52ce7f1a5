// Where others reach a coordinator that listens on every address. Owns the guess: this machine's first address that
// leaves it.
import { hostname, networkInterfaces } from "node:os"
import type { Address } from "@sweep/grpc/address"

export const reachedAt = ({ host, port }: Address): Address => {
  if (host !== "0.0.0.0" && host !== "::") return { host, port }
  const outward = Object.values(networkInterfaces())
    .flat()
    .find((address) => address !== undefined && !address.internal && address.family === "IPv4")
  return { host: outward?.address ?? hostname(), port }
}
