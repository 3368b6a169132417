/**
 * /etc/resolv.conf, by which the programs of this box find a resolver. What stands there before us is recorded, and put back by `skylan down`. Where another
 * program keeps it as a link (systemd-resolved, resolvconf), the link is replaced by a file: systemd-resolved then asks whom the file names, as its manual says.
 */
import { lstatSync, readFileSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import type { Json } from "../addr/json.ts";

export const RESOLVER_FILE = "/etc/resolv.conf";
const MARK = "# Written by skylan: this box resolves names itself. `skylan down` puts back what was here before.";

/** What was there before us. */
export type FormerResolver =
  | { readonly kind: "none" }
  | { readonly kind: "file"; readonly text: string }
  | { readonly kind: "link"; readonly target: string };

/** What is there now; undefined when it is ours. @throws Error of node:fs */
export function readResolver(path: string): FormerResolver | undefined {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (!stat) return { kind: "none" };
  if (stat.isSymbolicLink()) return { kind: "link", target: readlinkSync(path) };
  const text = readFileSync(path, "utf8");
  return text.startsWith(MARK) ? undefined : { kind: "file", text };
}

/** Makes us the resolver of this box. @throws Error of node:fs */
export function pointToUs(path: string, zone: string): void {
  replace(path, `${MARK}\nnameserver 127.0.0.1\nnameserver ::1\nsearch ${zone}\noptions edns0 timeout:2\n`);
}

/** Puts back what was there, unless another program has written its own meanwhile. @throws Error of node:fs */
export function restoreResolver(path: string, former: FormerResolver): void {
  if (readResolver(path) !== undefined) return;
  switch (former.kind) {
    case "none":
      rmSync(path);
      return;
    case "file":
      replace(path, former.text);
      return;
    case "link":
      rmSync(path);
      symlinkSync(former.target, path);
  }
}

export function formerResolverToJson(former: FormerResolver): Json {
  return { ...former };
}

/** Reads a saved record; undefined when it is none. */
export function formerResolverFromJson(json: Json | undefined): FormerResolver | undefined {
  if (json === null || typeof json !== "object" || Array.isArray(json)) return undefined;
  const { kind, text, target } = json as { readonly [key: string]: Json };
  if (kind === "none") return { kind };
  if (kind === "file" && typeof text === "string") return { kind, text };
  return kind === "link" && typeof target === "string" ? { kind, target } : undefined;
}

/** As a whole; in place where the file is a mount of its own, as in containers. */
function replace(path: string, text: string): void {
  const fresh = `${path}.skylan`;
  writeFileSync(fresh, text, { mode: 0o644 });
  try {
    renameSync(fresh, path);
  } catch (error) {
    rmSync(fresh, { force: true });
    if ((error as NodeJS.ErrnoException).code !== "EBUSY") throw error;
    writeFileSync(path, text);
  }
}
