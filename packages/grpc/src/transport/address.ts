// Where a coordinator listens, as people write it: `host:port`, `http://host:port`, `[::1]:port`. Owns the reading and
// writing of such addresses and which of them stay on this machine.

export interface Address {
  readonly host: string
  readonly port: number
}

/** `undefined` when it is no address. */
export const parseAddress = (text: string): Address | undefined => {
  const match = /^(?:(?:http|grpc):\/\/)?(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):([0-9]{1,5})\/?$/.exec(text.trim())
  if (match === null) return undefined
  const port = Number(match[3])
  return port > 65_535 ? undefined : { host: (match[1] ?? match[2])!, port }
}

export const formatAddress = ({ host, port }: Address): string => `${host.includes(":") ? `[${host}]` : host}:${port}`

export const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || /^127\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}$/.test(host)
