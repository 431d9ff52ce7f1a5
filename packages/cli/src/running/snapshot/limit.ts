/** Bytes of program and model that are sent unless the command says more: a larger folder is seldom meant. */
export const defaultSourceLimit = 512 * 1024 * 1024
