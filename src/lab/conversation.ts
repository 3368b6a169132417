/**
 * One long TCP connection between two hosts of the lab. `node conversation.ts listen PORT` echoes; `node conversation.ts talk ADDRESS PORT [EVERY-MS]` sends a
 * numbered line at a steady pace and prints a JSON object for each echo, {"n": 1, "ms": 0.4}, and {"ended": "why"} when the connection breaks.
 */
import { createConnection, createServer } from "node:net";
import { createInterface } from "node:readline";

const [role, ...args] = process.argv.slice(2);

if (role === "listen") listen(Number(args[0]));
else talk(args[0] ?? "::1", Number(args[1]), Number(args[2] ?? 100));

function listen(port: number): void {
  const server = createServer((connection) => connection.on("error", () => connection.destroy()).pipe(connection));
  server.listen({ port, host: "::" }, () => console.log(`listening on ${port}`));
}

function talk(host: string, port: number, every: number): void {
  const sent = new Map<number, number>();
  let count = 0;
  const connection = createConnection({ host, port, noDelay: true });
  const say = (): void => {
    sent.set(++count, performance.now());
    connection.write(`${count}\n`);
  };
  const end = (why: string): void => {
    console.log(JSON.stringify({ ended: why }));
    process.exit(1);
  };
  connection.on("connect", () => setInterval(say, every));
  connection.on("error", (error) => end(error.message)).on("close", () => end("closed by the other end"));
  createInterface(connection).on("line", (line) => {
    const n = Number(line);
    console.log(JSON.stringify({ n, ms: Math.round((performance.now() - sent.get(n)!) * 10) / 10 }));
    sent.delete(n);
  });
}
