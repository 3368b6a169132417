/** Questions by TCP: RFC 7766. Several at once on one connection, answers in the order in which they are ready, all of it bounded. */
import { createServer, type Server, type Socket } from "node:net";
import { DnsStream } from "./dns-stream.ts";

/** RFC 7766 6.2.3: some seconds. Milliseconds. */
const IDLE = 10_000;
const [MOST_CONNECTIONS, MOST_OF_ONE] = [256, 20];
/** Questions of one connection that wait for an answer: more are read when some are answered. */
const MOST_OPEN = 64;

export interface TcpQuestion {
  /** Address of the client. */
  readonly who: string;
  readonly query: Uint8Array;
  readonly reply: (message: Uint8Array) => void;
}

export interface TcpListener {
  close(): void;
}

/** Listens on a bound socket, which it owns from here on. `failed` is told why it can't. */
export function listenTcp(fd: number, ask: (question: TcpQuestion) => void, failed: (error: Error) => void): TcpListener {
  const connections = new Map<Socket, string>();
  const server: Server = createServer({ noDelay: true }, (socket) => {
    const who = (socket.remoteAddress ?? "").replace(/^::ffff:/, "");
    const ofThisClient = [...connections.values()].filter((each) => each === who).length;
    if (connections.size >= MOST_CONNECTIONS || ofThisClient >= MOST_OF_ONE) return void socket.destroy();
    connections.set(socket, who);
    socket.once("close", () => connections.delete(socket));
    serve(socket, who, ask);
  });
  server.on("error", failed);
  server.listen({ fd });
  return {
    close: () => {
      server.close();
      for (const socket of connections.keys()) socket.destroy();
    },
  };
}

function serve(socket: Socket, who: string, ask: (question: TcpQuestion) => void): void {
  let open = 0;
  const stream = new DnsStream(socket, (query) => {
    open++;
    if (open >= MOST_OPEN) socket.pause();
    let answered = false;
    ask({
      who,
      query,
      reply: (message) => {
        if (answered) return;
        answered = true;
        open--;
        stream.send(message);
        if (open < MOST_OPEN) socket.resume();
      },
    });
  });
  socket.setTimeout(IDLE, () => socket.destroy());
  socket.on("error", () => socket.destroy());
}
