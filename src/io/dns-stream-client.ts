/**
 * Questions to a resolver by TCP, or by TLS (RFC 7858): one connection for all of them (RFC 7766 6.2.1), made when it is needed and closed when nobody
 * has asked for a while.
 */
import { connect as connectTcp, type Socket } from "node:net";
import { DnsStream } from "./dns-stream.ts";

/** A connection that is not used is closed before most resolvers close it. Milliseconds. */
const IDLE = 8000;
/** A handshake that takes longer is none. */
const CONNECTING = 3000;

export interface StreamServer {
  /** With "%interface" where it is link-local. */
  readonly address: string;
  readonly port: number;
  /** With TLS, whose certificate it must be; absent: TCP. */
  readonly tlsName?: string;
}

export interface StreamEars {
  heard(message: Uint8Array): void;
  failed(): void;
}

/** Connects; `node:tls` is loaded by those who use it. */
async function connect({ address, port, tlsName }: StreamServer): Promise<Socket> {
  if (tlsName === undefined) return connectTcp({ host: address, port, noDelay: true });
  const { connect: connectTls } = await import("node:tls");
  return connectTls({ host: address, port, servername: tlsName, ALPNProtocols: ["dot"], minVersion: "TLSv1.2" });
}

export class DnsStreamClient {
  readonly #server: StreamServer;
  readonly #waiting = new Map<number, StreamEars>();
  #connection: { readonly stream: DnsStream; readonly socket: Socket } | undefined;
  #connecting = false;
  #queued: Uint8Array[] = [];

  constructor(server: StreamServer) {
    this.#server = server;
  }

  /** Sends a query. Its id must be that of no other one on its way here; if it is, the question fails. Returns how to end it. */
  ask(query: Uint8Array, ears: StreamEars): { close(): void } {
    const id = (query[0]! << 8) | query[1]!;
    if (this.#waiting.has(id)) {
      ears.failed();
      return { close: () => undefined };
    }
    this.#waiting.set(id, ears);
    if (this.#connection) this.#connection.stream.send(query);
    else {
      this.#queued.push(query);
      if (!this.#connecting) void this.#connect();
    }
    return {
      close: () => {
        if (this.#waiting.get(id) === ears) this.#waiting.delete(id);
      },
    };
  }

  close(): void {
    this.#waiting.clear();
    this.#connection?.socket.destroy();
  }

  async #connect(): Promise<void> {
    this.#connecting = true;
    const socket = await connect(this.#server);
    const late = setTimeout(() => socket.destroy(), CONNECTING);
    socket.once(this.#server.tlsName === undefined ? "connect" : "secureConnect", () => {
      clearTimeout(late);
      this.#connecting = false;
      const stream = new DnsStream(socket, (message) => this.#hear(message));
      this.#connection = { stream, socket };
      for (const query of this.#queued.splice(0)) stream.send(query);
    });
    socket.setTimeout(IDLE, () => socket.destroy());
    // The reason does not matter: another resolver is asked, and this one later again.
    socket.on("error", () => socket.destroy());
    socket.once("close", () => {
      clearTimeout(late);
      this.#fail();
    });
  }

  #hear(message: Uint8Array): void {
    if (message.length < 2) return;
    const id = (message[0]! << 8) | message[1]!;
    this.#waiting.get(id)?.heard(message);
  }

  #fail(): void {
    this.#connecting = false;
    this.#connection = undefined;
    this.#queued = [];
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const ears of waiting) ears.failed();
  }
}
