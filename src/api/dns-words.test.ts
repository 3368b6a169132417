import assert from "node:assert/strict";
import { test } from "node:test";
import type { DnsStatus } from "./dns-status.ts";
import { formatDns } from "./dns-words.ts";

const STATUS: DnsStatus = {
  listening: ["lan", "127.0.0.1"],
  upstreams: [
    { name: "9.9.9.9", state: "answers", latency: 21.4, asked: 10, answered: 10, failed: 0 },
    { name: "tls://1.1.1.1#one.one", state: "silent", latency: null, asked: 3, answered: 0, failed: 3 },
  ],
  cache: { entries: 2, octets: 1500, hits: 30, misses: 10 },
  pending: 1,
  counters: { forwarded: 13, merged: 0, stale: 0, refused: 0, malformed: 0, strangers: 4, rebinding: 1, offLink: 0 },
};

test("the page of the resolver says whom it asks, how they do, and what it keeps", () => {
  const page = formatDns(STATUS);
  assert.match(page, /listens on +lan, 127\.0\.0\.1/);
  assert.match(page, /9\.9\.9\.9 +answers +21\.4 ms +asked 10$/m);
  assert.match(page, /tls:\/\/1\.1\.1\.1#one\.one +silent +asked 3 +failed 3/);
  assert.match(page, /answers +2, 2 KiB\n +hits +30, 75 % of 40 questions/);
  assert.match(page, /^ +4 +answers that belonged to no question$/m);
  assert.match(formatDns(null), /enabled = true/);
});
