/** Beside the coordinator's own, 7733. */
export const defaultWebPort = 7734
