/** Questions to a resolver by HTTPS (RFC 8484): one HTTP/2 connection for all of them, made when it is needed. */
import type { ClientHttp2Session } from "node:http2";
import type { StreamEars } from "./dns-stream-client.ts";

/** Milliseconds. */
const IDLE = 30_000;
const MEDIA_TYPE = "application/dns-message";
const LONGEST = 65_535;

export interface HttpsServer {
  readonly url: string;
  /** Where its server is: no name has to be resolved for it. */
  readonly address: string;
}

export class DnsHttpsClient {
  readonly #url: URL;
  readonly #address: string;
  #session: ClientHttp2Session | undefined;

  constructor({ url, address }: HttpsServer) {
    this.#url = new URL(url);
    this.#address = address;
  }

  /** Sends a query; its id does not matter here. Returns how to end it. */
  ask(query: Uint8Array, ears: StreamEars): { close(): void } {
    let isOpen = true;
    const end = (action: () => void): void => {
      if (isOpen) action();
      isOpen = false;
    };
    // RFC 8484 4.1: id 0, so that equal questions have equal requests.
    const anonymous = query.with(0, 0).with(1, 0);
    this.#post(anonymous).then(
      (message) => end(() => ears.heard(message.length < 2 ? message : message.with(0, query[0]!).with(1, query[1]!))),
      () => end(() => ears.failed()),
    );
    return { close: () => (isOpen = false) };
  }

  close(): void {
    this.#session?.destroy();
  }

  async #post(query: Uint8Array): Promise<Uint8Array> {
    const session = await this.#connect();
    return new Promise((resolve, reject) => {
      const request = session.request({
        ":method": "POST",
        ":path": this.#url.pathname + this.#url.search,
        accept: MEDIA_TYPE,
        "content-type": MEDIA_TYPE,
        "content-length": query.length,
      });
      const chunks: Buffer[] = [];
      let [status, length] = [0, 0];
      request.on("response", (headers) => (status = Number(headers[":status"])));
      request.on("data", (chunk: Buffer) => {
        length += chunk.length;
        if (length > LONGEST) request.close();
        else chunks.push(chunk);
      });
      request.once("end", () => (status === 200 ? resolve(new Uint8Array(Buffer.concat(chunks))) : reject(new Error(`HTTP ${status}`))));
      request.once("error", reject);
      request.once("close", () => reject(new Error("closed")));
      request.end(query);
    });
  }

  async #connect(): Promise<ClientHttp2Session> {
    const former = this.#session;
    if (former && !former.closed && !former.destroyed) return former;
    const [{ connect }, { connect: connectTls }] = await Promise.all([import("node:http2"), import("node:tls")]);
    const { hostname, port } = this.#url;
    const session = connect(this.#url.origin, {
      createConnection: () =>
        connectTls({ host: this.#address, port: Number(port || 443), servername: hostname, ALPNProtocols: ["h2"], minVersion: "TLSv1.2" }),
    });
    session.setTimeout(IDLE, () => session.close());
    session.on("error", () => session.destroy());
    this.#session = session;
    return session;
  }
}
