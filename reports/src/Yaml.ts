// A set of parameters as YAML, to copy into a sweep file or a training configuration. Owns only the scalars and flat
// keys that parameters are made of; reading and writing YAML in general is the spec room's.
import type { Parameters, ParameterValue } from "@sweep/domain/Parameter"

// Words that YAML 1.1 or 1.2 reads as something else than text.
const reserved = /^(?:true|false|yes|no|on|off|y|n|null|nan|inf)$/i
const bare = /^[A-Za-z_/][A-Za-z0-9_./-]*$/

const text = (value: string): string => (bare.test(value) && !reserved.test(value) ? value : JSON.stringify(value))

/** YAML 1.1 (PyYAML) takes `1e-5` for text: a float with an exponent needs the point. */
const number = (value: number): string =>
  String(value).replace(/^(-?\d+)(\.\d+)?e([+-]?)(\d+)$/, (_, whole, fraction, sign, exponent) => {
    return `${whole}${fraction ?? ".0"}e${sign === "" ? "+" : sign}${exponent}`
  })

const scalar = (value: ParameterValue): string =>
  value === null
    ? "null"
    : typeof value === "number"
      ? number(value)
      : typeof value === "string"
        ? text(value)
        : `${value}`

export const parametersYaml = (parameters: Parameters): string =>
  Object.entries(parameters)
    .map(([name, value]) => `${text(name)}: ${scalar(value)}`)
    .join("\n")
