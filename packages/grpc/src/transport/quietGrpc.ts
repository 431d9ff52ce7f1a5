// grpc-js writes lines of its own to standard error, in the middle of whatever a terminal shows. Everything that goes
// wrong is returned as an error anyway. Owns silencing it, unless its own switch asks for the lines.
import { logVerbosity, setLogVerbosity } from "@grpc/grpc-js"

export const quietGrpc = (): void => {
  if (process.env["GRPC_VERBOSITY"] === undefined) setLogVerbosity(logVerbosity.NONE)
}
