// Sizes that both sides of a contract keep, whatever the transport.

/** How much of a long text or file one message carries, in bytes. */
export const chunkBytes = 1024 * 1024
