// TLS for both ends: mutual, with a private authority. Owns how grpc-js is given the certificates, and that a coordinator
// takes up new ones while it serves. Connections that are open continue with the ones they began with.
import { createPrivateKey, X509Certificate } from "node:crypto"
import { readFileSync } from "node:fs"
import {
  type ChannelCredentials,
  type ChannelOptions,
  credentials,
  experimental,
  Metadata,
  type ServerCredentials,
} from "@grpc/grpc-js"
import { serverName } from "@sweep/domain/Role"

/** What a client shows and trusts; each but the token PEM. */
export interface ClientAccess {
  readonly token: string
  readonly ca: string
  readonly certificate: string
  readonly key: string
}

export const clientCredentials = ({ token, ca, certificate, key }: ClientAccess): ChannelCredentials => {
  const metadata = new Metadata()
  metadata.set("authorization", `Bearer ${token}`)
  return credentials.combineChannelCredentials(
    credentials.createSsl(Buffer.from(ca), Buffer.from(key), Buffer.from(certificate)),
    credentials.createFromMetadataGenerator((_, done) => done(null, metadata.clone())),
  )
}

/** The coordinator is verified by its name, wherever it is reached. */
export const clientTlsOptions: ChannelOptions = { "grpc.ssl_target_name_override": serverName }

export interface ServerFiles {
  /** The authority that signs clients' certificates, PEM. */
  readonly ca: string
  /** The coordinator's certificate and its key in one file, PEM. */
  readonly server: string
  /** Told when the files have changed and cannot be used; the certificates before stay in use. */
  readonly onProblem: (message: string) => void
}

const rereadMillis = 5_000

interface Pair {
  readonly ca: Buffer
  readonly server: Buffer
}

/** Throws when they cannot be read or do not belong together. */
const readPair = (files: ServerFiles): Pair => {
  const pair = { ca: readFileSync(files.ca), server: readFileSync(files.server) }
  const certificate = new X509Certificate(pair.server)
  if (!certificate.checkPrivateKey(createPrivateKey(pair.server))) {
    throw new Error(`the key and the certificate in ${files.server} do not belong together`)
  }
  if (!certificate.verify(new X509Certificate(pair.ca).publicKey)) {
    throw new Error(`${files.server} is not signed by ${files.ca}`)
  }
  return pair
}

/** The files, read now and whenever they change. grpc-js's own watcher could meet them half exchanged, and then throws. */
class WatchedFiles implements experimental.CertificateProvider {
  private readonly files: ServerFiles
  private pair: Pair
  private told = ""
  private timer: NodeJS.Timeout | undefined
  private readonly caListeners = new Set<experimental.CaCertificateUpdateListener>()
  private readonly identityListeners = new Set<experimental.IdentityCertificateUpdateListener>()

  constructor(files: ServerFiles) {
    this.files = files
    this.pair = readPair(files)
  }

  private look(): void {
    let next: Pair
    try {
      next = readPair(this.files)
      this.told = ""
    } catch (error) {
      const { message } = error as Error
      if (message !== this.told) this.files.onProblem(message)
      this.told = message
      return
    }
    const caChanged = !next.ca.equals(this.pair.ca)
    const serverChanged = !next.server.equals(this.pair.server)
    this.pair = next
    if (serverChanged) for (const listener of this.identityListeners) listener(this.identity())
    if (caChanged) for (const listener of this.caListeners) listener({ caCertificate: next.ca })
  }

  private identity() {
    return { certificate: this.pair.server, privateKey: this.pair.server }
  }

  private watch(): void {
    const wanted = this.caListeners.size + this.identityListeners.size > 0
    if (wanted) this.timer ??= setInterval(() => this.look(), rereadMillis).unref()
    else {
      clearInterval(this.timer)
      this.timer = undefined
    }
  }

  addCaCertificateListener(listener: experimental.CaCertificateUpdateListener): void {
    this.caListeners.add(listener)
    this.watch()
    // Later, as grpc-js expects: whoever is to hear of it is not there yet.
    process.nextTick(() => listener({ caCertificate: this.pair.ca }))
  }
  removeCaCertificateListener(listener: experimental.CaCertificateUpdateListener): void {
    this.caListeners.delete(listener)
    this.watch()
  }
  addIdentityCertificateListener(listener: experimental.IdentityCertificateUpdateListener): void {
    this.identityListeners.add(listener)
    this.watch()
    process.nextTick(() => listener(this.identity()))
  }
  removeIdentityCertificateListener(listener: experimental.IdentityCertificateUpdateListener): void {
    this.identityListeners.delete(listener)
    this.watch()
  }
}

/** Only clients with a certificate of the authority get as far as a call. Throws when the files cannot be used. */
export const serverCredentials = (files: ServerFiles): ServerCredentials => {
  const watched = new WatchedFiles(files)
  return experimental.createCertificateProviderServerCredentials(watched, watched, true)
}
