import assert from "node:assert/strict";
import { test } from "node:test";
import { ip6 } from "../addr/ip.ts";
import { DEFAULT_ROUTE, prefix } from "../addr/prefix.ts";
import { after, instant, NEVER, seconds } from "../addr/time.ts";
import type { Ruleset } from "../plan/kernel-state.ts";
import type { Change } from "./change.ts";
import { changeWords } from "./words.ts";

const NOW = instant(5_000);
const address = {
  interface: "eth0",
  address: ip6("2605:59c8::1"),
  prefixLength: 64,
  preferredUntil: after(NOW, seconds(150)),
  validUntil: after(NOW, seconds(300)),
};
const route = {
  kind: "unicast" as const,
  destination: DEFAULT_ROUTE,
  interface: "eth8",
  gateway: ip6("fe80::1"),
  metric: 512,
  preference: "high" as const,
  until: after(NOW, seconds(1800)),
  mtu: 1400,
};
const forward = (...rules: readonly (readonly object[])[]): Ruleset => [
  { table: { family: "inet", name: "skylan" } },
  { chain: { family: "inet", table: "skylan", name: "forward", type: "filter", hook: "forward", prio: 0, policy: "drop" } },
  ...rules.map((expr) => ({ rule: { family: "inet", table: "skylan", chain: "forward", expr } })),
];
const established = {
  vmap: {
    key: { ct: { key: "state" } },
    data: {
      set: [
        ["established", { accept: null }],
        ["invalid", { drop: null }],
      ],
    },
  },
};
const ssh = { match: { op: "==", left: { payload: { protocol: "tcp", field: "dport" } }, right: { set: [22, { range: [80, 90] }] } } };

const cases: readonly (readonly [Change, string])[] = [
  [{ kind: "address-add", address }, "+ address 2605:59c8::1/64 on eth0, preferred 150 s, valid 300 s"],
  [
    { kind: "address-update", address, from: { ...address, validUntil: NEVER, preferredUntil: NOW } },
    "~ address 2605:59c8::1/64 on eth0, preferred 150 s, valid 300 s (was preferred 0 s, valid for ever)",
  ],
  [{ kind: "address-delete", address }, "- address 2605:59c8::1/64 on eth0"],
  [{ kind: "route-add", route }, "+ route ::/0 via fe80::1 on eth8 metric 512, for 1800 s, preference high, MTU 1400"],
  [
    { kind: "route-add", route: { kind: "unreachable", destination: prefix("2605:59c8::/56"), metric: 2000 } },
    "+ route unreachable 2605:59c8::/56 metric 2000",
  ],
  [{ kind: "route-delete", route }, "- route ::/0 via fe80::1 on eth8 metric 512"],
  [{ kind: "sysctl", path: "net/ipv6/conf/all/forwarding", from: "0", to: "1" }, "~ sysctl net/ipv6/conf/all/forwarding 0 -> 1"],
  [{ kind: "link-up", interface: "eth0" }, "~ interface eth0 down -> up"],
];

test("each change is one line that a network engineer can read", () => {
  for (const [change, words] of cases) assert.equal(changeWords(change, NOW), words);
});

test("a new rule set is told rule by rule in the words of nft", () => {
  assert.equal(
    changeWords({ kind: "ruleset", from: undefined, to: forward([established], [ssh, { counter: null }, { accept: null }]) }, NOW),
    [
      "+ firewall table inet skylan, in one step",
      "  + chain forward: filter hook forward priority 0, policy drop",
      "  + chain forward: ct state vmap { established : accept, invalid : drop }",
      "  + chain forward: tcp dport { 22, 80-90 } accept",
    ].join("\n"),
  );
});

test("protocols are told by name", () => {
  const l4proto = { match: { op: "==", left: { meta: { key: "l4proto" } }, right: 58 } };
  const elem = [{ concat: [6, 22] }, { concat: [17, { range: [6, 17] }] }];
  const set = { set: { family: "inet", table: "skylan", name: "open", type: ["inet_proto", "inet_service"], elem } };
  const words = changeWords({ kind: "ruleset", from: forward(), to: [...forward([l4proto, { accept: null }]), set] }, NOW);
  assert.match(words, /: l4proto ipv6-icmp accept$/m);
  assert.match(words, /set open: \{ udp \. 6-17, tcp \. 22 \}$/m);
});

test("a changed rule set is told by the rules that come and go alone", () => {
  const words = changeWords({ kind: "ruleset", from: forward([established]), to: forward([established], [ssh, { drop: null }]) }, NOW);
  assert.equal(words, "~ firewall table inet skylan, in one step\n  + chain forward: tcp dport { 22, 80-90 } drop");
  assert.match(changeWords({ kind: "ruleset", from: forward([established]), to: undefined }, NOW), /^- firewall table/);
});
