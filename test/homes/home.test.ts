/** What the tests in homes stand on: hosts that are apart, cables that can be cut, losses and captures that can be believed. */
// Needs: ping
import assert from "node:assert/strict";
import { existsSync, globSync, readlinkSync } from "node:fs";
import { describe, test } from "node:test";
import { createHome, NET_ADDRESS } from "../../src/lab/home.ts";
import { Namespace } from "../../src/lab/namespace.ts";
import { converse, fetchWeb, serveWeb, watchWeb, webUrl } from "../../src/lab/traffic.ts";
import { until } from "../../src/lab/until.ts";
import { skipWithout } from "./home.ts";

const ISP_ADDRESS = "2a0d:7f00:1::1";

/** Two hosts without a router between them are enough for most of this. */
const lonely = () => createHome({ isp: "none" });

describe("a namespace", { concurrency: true }, () => {
  test("a namespace is apart from the machine and from every other one", async () => {
    await using a = await Namespace.create("a");
    await using b = await Namespace.create("b");
    const ids = ["self", String(a.pid), String(b.pid)].map((pid) => readlinkSync(`/proc/${pid}/ns/net`));
    assert.equal(new Set(ids).size, 3);
    assert.match(await a.exec("ip", "-brief", "link"), /^lo +UNKNOWN [^\n]*\n$/);
  });

  test("a command that fails says where, which, and why", async () => {
    await using a = await Namespace.create("a");
    await assert.rejects(a.exec("sh", "-c", "echo oh no >&2; exit 3"), {
      message: "a: `sh -c echo oh no >&2; exit 3` ended with exit code 3\noh no",
    });
    await assert.rejects(a.shell("true\nfalse\necho never"), /ended with exit code 1$/);
    await assert.rejects(a.ip("link set nothing up"), /Cannot find device "nothing"/);
    assert.equal(await a.shell("echo still there"), "still there\n");
  });

  test("with the namespace goes every process in it, even one that has left its session", async () => {
    const a = await Namespace.create("a");
    const id = readlinkSync(`/proc/${a.pid}/ns/net`);
    a.spawn(["setsid", "--fork", "sh", "-c", "trap '' TERM INT HUP; while :; do sleep 100; done"]);
    await until(() => membersOf(id).length >= 3, { within: 5_000, what: "the daemon and its sleep run" });
    await a[Symbol.asyncDispose]();
    await until(() => membersOf(id).length === 0, { within: 2_000, what: "nobody is left" });
  });
});

/** Processes in the network namespace with this id, e.g. "net:[4026532221]". */
function membersOf(id: string): readonly string[] {
  return globSync("/proc/[0-9]*").filter((process) => {
    try {
      return readlinkSync(`${process}/ns/net`) === id;
    } catch {
      return false;
    }
  });
}

describe("a home", { concurrency: true }, () => {
  test("homes stand side by side under the same names and addresses, and leave nothing", async () => {
    const homes = await Promise.all([lonely(), lonely(), lonely()]);
    for (const home of homes) await home.net.exec("ip", "route", "get", ISP_ADDRESS);
    await Promise.all(homes.map((home) => home[Symbol.asyncDispose]()));
    assert.deepEqual(
      homes.map((home) => existsSync(home.directory)),
      [false, false, false],
    );
  });

  test("a cut cable takes the carrier from the gateway and not from the provider; mended, it is back", async () => {
    await using home = await lonely();
    await home.gateway.ip("link set wan up");
    const carriers = async (): Promise<string> => {
      const [gateway, isp] = [
        await home.gateway.exec("cat", "/sys/class/net/wan/carrier"),
        await home.host("isp").exec("cat", "/sys/class/net/customer/carrier"),
      ];
      return `${gateway.trim()} ${isp.trim()}`;
    };
    await until(async () => (await carriers()) === "1 1", { within: 2_000, what: "both have a carrier" });
    await home.cutWan();
    await until(async () => (await carriers()) === "0 1", { within: 2_000, what: "only the provider has a carrier" });
    await home.mendWan();
    await until(async () => (await carriers()) === "1 1", { within: 2_000, what: "both have a carrier again" });
    await assert.rejects(home.link("wan").cut("laptop"), /laptop has no plug in wan; these have: isp, gateway/);
  });

  test("a link can begin without its plugs", async () => {
    await using home = await createHome({ isp: "none", unplugged: ["lan"] });
    assert.equal((await home.laptop.exec("cat", "/sys/class/net/eth0/carrier")).trim(), "0");
    await home.link("lan").mend("laptop");
    await until(async () => (await home.laptop.exec("cat", "/sys/class/net/eth0/carrier")).trim() === "1", {
      within: 2_000,
      what: "the laptop has a carrier",
    });
  });

  test("what a loss names is lost in one direction, in the share that it names, until it ends", { skip: skipWithout("nft") }, async () => {
    await using home = await lonely();
    const lost = async (count: number): Promise<number> => {
      const { stdout } = await home.net.attempt("ping", "-q", "-c", String(count), "-i", "0.002", "-W", "0.3", ISP_ADDRESS);
      return count - Number(/(\d+) received/.exec(stdout)?.[1]);
    };
    assert.equal(await lost(20), 0);
    await home.link("internet").lose("net", { percent: 100, only: "icmpv6 type echo-request" });
    assert.equal(await lost(20), 20);
    // Neighbour Discovery is not in the expression, so the way itself still works.
    await serveWeb(home.host("isp"), 80);
    assert.match(await fetchWeb(home.net, webUrl(ISP_ADDRESS)), /^Hello from isp/);
    await home.link("internet").lose("net", { percent: 20, only: "icmpv6 type echo-request" });
    const some = await lost(500);
    assert.ok(some > 50 && some < 150, `${some} of 500`);
    await home.link("internet").lose("net", { percent: 0 });
    assert.equal(await lost(20), 0);
  });

  test("a capture holds each packet once, and nothing that was lost", { skip: skipWithout("tcpdump", "tshark", "nft") }, async () => {
    await using home = await lonely();
    const capture = await home.capture("internet");
    await home.net.exec("ping", "-q", "-c", "3", "-i", "0.01", ISP_ADDRESS);
    const requests = () => capture.packets("icmpv6.type == 128", "ipv6.src", "icmpv6.echo.sequence_number");
    await until(async () => (await requests()).length >= 3, { within: 5_000, what: "the requests are in the capture" });
    assert.deepEqual(
      await requests(),
      [1, 2, 3].map((n) => [NET_ADDRESS, String(n)]),
    );
    await home.link("internet").lose("net", { percent: 100 });
    await home.net.attempt("ping", "-q", "-c", "2", "-i", "0.01", "-W", "0.2", ISP_ADDRESS);
    await capture.stop();
    assert.equal((await requests()).length, 3);
  });

  test("tries and a conversation tell an outage from none", async () => {
    await using home = await lonely();
    await serveWeb(home.host("isp"), 80);
    await using tries = watchWeb(home.net, webUrl(ISP_ADDRESS), { every: 50, timeout: 2000 });
    await using talk = await converse(home.net, home.host("isp"), ISP_ADDRESS, 7, { every: 50 });
    await until(() => tries.results().length > 5, { within: 5_000, what: "tries are made" });
    assert.ok(tries.results().every((each) => each.ok));
    await home.link("internet").cut("isp");
    await until(() => tries.results().some((each) => each.error !== undefined), { within: 5_000, what: "a try fails" });
    const before = talk.results().length;
    await home.link("internet").mend("isp");
    await until(() => tries.results().at(-1)?.ok, { within: 10_000, what: "tries succeed again" });
    await until(() => talk.results().length > before + 3, { within: 10_000, what: "the old connection goes on" });
    assert.ok((await talk.stop()).every((echo) => "n" in echo));
  });

  test("the provider takes commands and can be switched off and on", async () => {
    await using home = await createHome();
    assert.deepEqual(await home.isp.command({ kind: "mute", on: true }), { ok: true, delegations: [] });
    await assert.rejects(home.isp.command({ kind: "length", length: 0 }), /the provider refuses length/);
    await home.isp.stop();
    await assert.rejects(home.isp.command({ kind: "forget" }));
    await home.isp.start();
    assert.deepEqual(await home.isp.command({ kind: "forget" }), { ok: true, delegations: [] });
  });
});
