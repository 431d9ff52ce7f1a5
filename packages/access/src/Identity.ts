// Who a party of a TLS connection is.

/** A private key and its certificate, each PEM. */
export interface Identity {
  readonly certificate: string
  readonly key: string
}
