/** Talks to a running daemon through the unix socket in its run directory. */
import { join } from "node:path";
import type { Leases, Status } from "./status.ts";
import type { DevicesStatus } from "./devices.ts";
import type { DnsStatus } from "./dns-status.ts";

export const SOCKET_NAME = "skylan.sock";

/** No daemon answers at this run directory. */
export class NotRunning extends Error {
  constructor(socket: string, cause: NodeJS.ErrnoException) {
    const why = cause.code === "EACCES" ? "you may not open it; use sudo" : "is it running? start it with: skylan up --config FILE";
    super(`no skylan answers at ${socket}: ${why}`, { cause });
    this.name = "NotRunning";
  }
}

export interface Client {
  status(): Promise<Status>;
  leases(): Promise<Leases>;
  flushLeases(what: string): Promise<Leases>;
  devices(): Promise<DevicesStatus>;
  /** Null where names are not resolved here. */
  dns(): Promise<DnsStatus | null>;
  flushDns(): Promise<void>;
  refresh(): Promise<void>;
  down(options: { readonly release: boolean }): Promise<void>;
}

/** @throws NotRunning from each call when nobody listens. */
export function createClient(runDirectory: string): Client {
  const socket = join(runDirectory, SOCKET_NAME);
  return {
    status: async () => JSON.parse(await call(socket, "GET", "/v1/status")) as Status,
    leases: async () => JSON.parse(await call(socket, "GET", "/v1/leases")) as Leases,
    flushLeases: async (what) => JSON.parse(await call(socket, "POST", `/v1/leases/flush?of=${encodeURIComponent(what)}`)) as Leases,
    devices: async () => JSON.parse(await call(socket, "GET", "/v1/devices")) as DevicesStatus,
    dns: async () => JSON.parse(await call(socket, "GET", "/v1/dns")) as DnsStatus | null,
    flushDns: async () => void (await call(socket, "POST", "/v1/dns/flush")),
    refresh: async () => void (await call(socket, "POST", "/v1/refresh")),
    down: async ({ release }) => void (await call(socket, "POST", `/v1/down?release=${release}`)),
  };
}

async function call(socketPath: string, method: string, path: string): Promise<string> {
  // Loaded when it is needed: a daemon that starts looks for another one before anything else.
  const { request } = await import("node:http");
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, method, path }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (body += chunk));
      response.on("end", () => (response.statusCode === 200 ? resolve(body) : reject(new Error(`skylan answered: ${body}`))));
    });
    outgoing.on("error", (error: NodeJS.ErrnoException) => {
      reject(
        error.code === "ENOENT" || error.code === "ECONNREFUSED" || error.code === "EACCES" ? new NotRunning(socketPath, error) : error,
      );
    });
    outgoing.end();
  });
}
