import assert from "node:assert/strict";
import { test } from "node:test";
import { findForeignDrops } from "./foreign-drops.ts";

const base = (family: string, table: string, name: string, hook: string, policy: string) => ({
  chain: { family, table, name, type: "filter", hook, prio: 0, policy },
});
const chain = (family: string, table: string, name: string) => ({ chain: { family, table, name } });
const rule = (family: string, table: string, name: string, ...expr: readonly object[]) => ({ rule: { family, table, chain: name, expr } });
const established = { match: { op: "in", left: { ct: { key: "state" } }, right: ["established", "related"] } };

test("the essay's REJECT at the end of FORWARD is named", () => {
  const drops = findForeignDrops([
    base("ip6", "filter", "FORWARD", "forward", "accept"),
    rule("ip6", "filter", "FORWARD", { counter: null }, { reject: { type: "icmpv6", expr: "admin-prohibited" } }),
  ]);
  assert.deepEqual(drops, [
    { table: "ip6 filter", chain: "FORWARD", hook: "forward", what: "chain FORWARD: reject icmpv6 admin-prohibited" },
  ]);
});

test("Docker's and ufw's policy drop is named", () => {
  const [drop] = findForeignDrops([
    base("ip6", "filter", "FORWARD", "forward", "drop"),
    chain("ip6", "filter", "DOCKER-USER"),
    rule("ip6", "filter", "FORWARD", { jump: { target: "DOCKER-USER" } }),
  ]);
  assert.equal(drop?.what, "policy drop of chain FORWARD");
});

test("a refusal in a chain that everything jumps to is found, and loops end", () => {
  const [drop] = findForeignDrops([
    base("inet", "firewalld", "filter_FORWARD", "forward", "accept"),
    rule("inet", "firewalld", "filter_FORWARD", established, { accept: null }),
    rule("inet", "firewalld", "filter_FORWARD", { jump: { target: "zones" } }),
    rule("inet", "firewalld", "zones", { jump: { target: "zones" } }),
    rule("inet", "firewalld", "zones", { reject: { type: "icmpx", expr: "admin-prohibited" } }),
  ]);
  assert.equal(drop?.what, "chain zones: reject icmpx admin-prohibited");
});

test("what refuses only some packets, comes after an accept, sees no IPv6 or is ours is no foreign drop", () => {
  const harmless = [
    [base("ip6", "filter", "INPUT", "input", "accept"), rule("ip6", "filter", "INPUT", established, { drop: null })],
    [base("ip6", "filter", "INPUT", "input", "drop"), rule("ip6", "filter", "INPUT", { accept: null })],
    [base("ip", "filter", "FORWARD", "forward", "drop")],
    [base("inet", "skylan", "forward", "forward", "drop")],
    [base("inet", "other", "post", "postrouting", "drop")],
  ];
  for (const listing of harmless) assert.deepEqual(findForeignDrops(listing), []);
});

const WITH_IPV4 = { ipv4: true, lans: ["eth0", "eth1"] };
const link = (key: "iifname" | "oifname", name: string) => ({ match: { op: "==", left: { meta: { key } }, right: name } });

test("where IPv4 is ours, Docker's policy drop for IPv4 is named, until a rule lets the home through", () => {
  const docker = [base("ip", "filter", "FORWARD", "forward", "drop"), base("ip", "filter", "INPUT", "input", "drop")];
  assert.deepEqual(
    findForeignDrops(docker, WITH_IPV4).map(({ table, chain: name }) => `${table} ${name}`),
    ["ip filter FORWARD"],
  );
  const through = rule("ip", "filter", "FORWARD", link("iifname", "eth1"), { counter: null }, { accept: null });
  assert.deepEqual(findForeignDrops([...docker, through], WITH_IPV4), []);
  const others = [
    rule("ip", "filter", "FORWARD", link("iifname", "docker0"), { accept: null }),
    rule("ip", "filter", "FORWARD", link("oifname", "eth0"), { accept: null }),
    rule("ip", "filter", "FORWARD", link("iifname", "eth0"), established, { accept: null }),
    rule("ip", "filter", "FORWARD", link("iifname", "eth0"), { xt: null }, { accept: null }),
  ];
  assert.equal(findForeignDrops([...docker, ...others], WITH_IPV4).length, 1);
});
