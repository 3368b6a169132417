/** DNS messages on a stream: two octets of length before each (RFC 1035 4.2.2, RFC 7766 section 8), however the stream cuts them. */
import type { Duplex } from "node:stream";

const LENGTH = 2;
/** Octets of answers that somebody may leave unread. */
const MOST_UNREAD = 1 << 20;

export class DnsStream {
  readonly #stream: Duplex;
  readonly #receive: (message: Uint8Array) => void;
  #rest: Uint8Array = new Uint8Array();

  /** `receive` is given each message, a copy. */
  constructor(stream: Duplex, receive: (message: Uint8Array) => void) {
    this.#stream = stream;
    this.#receive = receive;
    stream.on("data", (chunk: Uint8Array) => this.#take(chunk));
  }

  /** Length and message leave together (RFC 7766 section 8). */
  send(message: Uint8Array): void {
    if (this.#stream.destroyed || this.#stream.writableEnded) return;
    if (this.#stream.writableLength > MOST_UNREAD) return void this.#stream.destroy();
    const framed = new Uint8Array(LENGTH + message.length);
    framed.set([message.length >> 8, message.length & 0xff]);
    framed.set(message, LENGTH);
    this.#stream.write(framed);
  }

  /** What is left over is shorter than one message, 64 KiB. */
  #take(chunk: Uint8Array): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (bytes.length - at >= LENGTH) {
      const length = (bytes[at]! << 8) | bytes[at + 1]!;
      if (bytes.length - at - LENGTH < length) break;
      const message = Uint8Array.from(bytes.subarray(at + LENGTH, at + LENGTH + length));
      at += LENGTH + length;
      this.#receive(message);
    }
    this.#rest = Uint8Array.from(bytes.subarray(at));
  }
}
