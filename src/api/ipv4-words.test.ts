import assert from "node:assert/strict";
import { test } from "node:test";
import { ip4 } from "../addr/ip.ts";
import { prefix4 } from "../addr/prefix4.ts";
import { ipv4Section } from "./ipv4-words.ts";
import { layOut, PAGE_WIDTH, UNCOLOURED } from "./page-layout.ts";
import type { Ipv4Status } from "./status.ts";

const lease: NonNullable<Ipv4Status["lease"]> = {
  address: ip4("100.79.3.9"),
  network: prefix4("100.64.0.0/10"),
  server: ip4("100.64.0.1"),
  routers: [ip4("100.64.0.1")],
  isShared: true,
  valid: 283,
  renewIn: 133,
  mtu: 1400,
  resolvers: [ip4("1.1.1.1"), ip4("8.8.8.8")],
};
const page = (status: Ipv4Status): string => layOut(ipv4Section(status), UNCOLOURED).join("\n");

test("[V4C-8] an address of the provider's NAT is said to be one, in a sentence that fits the page", () => {
  const text = page({ state: "bound", lease, forwarding: true, forwards: [] });
  assert.match(text, /address +100\.79\.3\.9 +valid 4 min 43 s/);
  assert.match(text, /lease +bound, renew in 2 min 13 s/);
  assert.match(text, /CGNAT +The provider shares its addresses: nobody can open a connection to you by IPv4\./);
  assert.ok(text.split("\n").every((line) => line.length <= PAGE_WIDTH));
  assert.doesNotMatch(page({ state: "bound", lease: { ...lease, isShared: false }, forwarding: true, forwards: [] }), /CGNAT/);
});

test("without a lease the page says what is being done about it", () => {
  assert.match(page({ state: "selecting", forwarding: false, forwards: [] }), /lease +selecting\n +devices +have no way out by IPv4/);
});

test("forwarded ports have a line each", () => {
  const [to, source] = [ip4("192.168.1.10"), prefix4("198.18.0.0/24")];
  const forwards = [
    { port: "tcp/443", to },
    { port: "tcp/8443", to, toPort: 443, source },
  ];
  const text = page({ state: "bound", lease, forwarding: true, forwards });
  assert.match(text, /forwards +tcp\/443 to 192\.168\.1\.10\n +tcp\/8443 to 192\.168\.1\.10, port 443 +from 198\.18\.0\.0\/24 only/);
});
