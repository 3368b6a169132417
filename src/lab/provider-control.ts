/** Commands for a running provider: a JSON object a line over a unix socket, each answered by a line. */
import { rmSync } from "node:fs";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { createInterface } from "node:readline";
import type { ProviderCommand } from "./provider.ts";
import { parseCommand } from "./provider-settings.ts";

/** Listens at `path`; `obey` carries a command out and returns what shall be told. A wrong command is answered with its error. */
export function serveCommands(path: string, obey: (command: ProviderCommand) => object): Server {
  rmSync(path, { force: true });
  const server = createServer((connection) => {
    connection.on("error", () => connection.destroy());
    createInterface(connection).on("line", (line) => answer(connection, line, obey));
  });
  return server.listen(path);
}

/** Sends one command to the provider that listens at `path`. @throws Error with its refusal, or when none listens */
export async function sendProviderCommand(path: string, command: ProviderCommand): Promise<unknown> {
  const connection = createConnection(path);
  try {
    connection.write(`${JSON.stringify(command)}\n`);
    for await (const line of createInterface(connection)) {
      const reply = JSON.parse(line) as { readonly ok: boolean; readonly error?: string };
      if (!reply.ok) throw new Error(`the provider refuses ${command.kind}: ${reply.error ?? "no reason given"}`);
      return reply;
    }
    throw new Error(`the provider at ${path} gives no answer`);
  } finally {
    connection.destroy();
  }
}

function answer(connection: Socket, line: string, obey: (command: ProviderCommand) => object): void {
  let reply: object;
  try {
    reply = { ok: true, ...obey(parseCommand(line)) };
  } catch (error) {
    reply = { ok: false, error: error instanceof Error ? error.message : String(error) };
  }
  connection.write(`${JSON.stringify(reply)}\n`);
}
