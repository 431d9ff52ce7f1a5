// A word of a command line that an engine hands to a shell.

/** A word for `sh`: single quotes, and what closes and opens them around a quote. */
export const quoted = (word: string): string =>
  /^[A-Za-z0-9_./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
