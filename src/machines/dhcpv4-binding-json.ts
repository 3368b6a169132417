/** Bindings of the DHCPv4 server as they are kept on disk. */
import { parseIp4 } from "../addr/ip.ts";
import type { Json } from "../addr/json.ts";
import { parseMac } from "../addr/mac.ts";
import { type Duration, instant } from "../addr/time.ts";
import type { Dhcpv4Record } from "./dhcpv4-server-options.ts";

export function bindingToJson({ address, mac, clientId, name, until, forgotten }: Dhcpv4Record): Json {
  const json: Record<string, Json> = { address, mac, until: Math.round(until) };
  if (clientId !== undefined) json["id"] = clientId;
  if (name !== undefined) json["name"] = name;
  if (forgotten) json["forgotten"] = true;
  return json;
}

/** Reads one, with its end moved by `shift`; undefined when it is none. */
export function bindingFromJson(json: Json, shift: Duration): Dhcpv4Record | undefined {
  if (json === null || typeof json !== "object" || Array.isArray(json)) return undefined;
  const { address: ip, mac: hardware, id, name, until, forgotten } = json as { readonly [key: string]: Json };
  const address = typeof ip === "string" ? parseIp4(ip) : undefined;
  const mac = typeof hardware === "string" ? parseMac(hardware) : undefined;
  if (!address || !mac || typeof until !== "number") return undefined;
  return {
    address,
    mac,
    ...(typeof id === "string" && { clientId: id }),
    ...(typeof name === "string" && { name }),
    until: instant(until + shift),
    ...(forgotten === true && { forgotten }),
  };
}
