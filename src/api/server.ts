/** The daemon's HTTP interface on a unix socket in the run directory: whoever may open the socket may use it. */
import { chmodSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import type { Leases, Status } from "./status.ts";
import type { DevicesStatus } from "./devices.ts";
import type { DnsStatus } from "./dns-status.ts";

/** What the daemon offers to its interface. */
export interface Service {
  status(): Status;
  leases(): Leases;
  /** Forgets the leases of an address or a name; returns them. */
  flushLeases(what: string): Leases;
  /** Who is at home. */
  devices(): DevicesStatus;
  /** Undefined where names are not resolved here. */
  dns(): DnsStatus | undefined;
  /** Forgets all answers that are kept. */
  flushDns(): void;
  /** Asks the provider again now. */
  refresh(): void;
  /** Leaves for good; with `release` the leases are given back too. Resolves when the kernel is as it was. */
  down(options: { readonly release: boolean }): Promise<void>;
}

export function createApp(service: Service): Hono {
  const app = new Hono();
  app.get("/v1/status", (context) => context.json(service.status()));
  app.get("/v1/leases", (context) => context.json(service.leases()));
  app.post("/v1/leases/flush", (context) => context.json(service.flushLeases(context.req.query("of") ?? "")));
  app.get("/v1/devices", (context) => context.json(service.devices()));
  app.get("/v1/dns", (context) => context.json(service.dns() ?? null));
  app.post("/v1/dns/flush", (context) => {
    service.flushDns();
    return context.json({ done: true });
  });
  app.post("/v1/refresh", (context) => {
    service.refresh();
    return context.json({ done: true });
  });
  app.post("/v1/down", async (context) => {
    await service.down({ release: context.req.query("release") === "true" });
    return context.json({ done: true });
  });
  return app;
}

/** Listens on `path` (mode 0660), replacing a socket that a dead daemon has left. */
export async function serveUnix(app: Hono, path: string): Promise<Server> {
  rmSync(path, { force: true });
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o660);
  return server;
}
