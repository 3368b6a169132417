/** The commands of a person on a real box: what `plan` promises, what `status` tells, and `up` as a service. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { ip6 } from "../../src/addr/ip.ts";
import { contains } from "../../src/addr/prefix.ts";
import type { Status } from "../../src/api/status.ts";
import { EXIT } from "../../src/cli/exit-codes.ts";
import { createHome, type Home } from "../../src/lab/home.ts";
import { nodeCommand } from "../../src/lab/script-path.ts";
import { boxState } from "../fixtures/box-state.ts";
import { AS_SERVICE, otherUserIsRefused, ownDirectories } from "../fixtures/service.ts";
import { skipWithout } from "./home.ts";

/** Prints what systemd would be told. */
const LISTEN = `
import socket, sys
told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
told.bind(sys.argv[1])
print("listening", flush=True)
while True: print(told.recv(4096).decode(), flush=True)
`;

const LAUNCHER = join(import.meta.dirname, "../../bin/skylan.js");
const OLD_NODE = "/usr/bin/node";
const version = spawnSync(OLD_NODE, ["--version"], { encoding: "utf8" }).stdout ?? "";
const withoutOldNode = Number(/^v(\d+)/.exec(version)?.[1] ?? 99) >= 22 && "the machine has no old Node of its own";

/** Writes the usual config where skylan's commands look for it. */
function configure(home: Home): string {
  const file = join(home.directory, "skylan.toml");
  writeFileSync(file, home.config());
  return file;
}

describe("the commands", { concurrency: true }, () => {
  test("`skylan plan` says every change and makes none; once `up` has made them it has nothing to say", async () => {
    await using home = await createHome({ isp: "none" });
    const { gateway } = home;
    configure(home);
    await gateway.ip("link set lan up");
    await home.until(async () => !(await gateway.exec("ip", "-6", "addr")).includes("tentative"), { within: 10_000, what: "it is quiet" });
    const before = await boxState(gateway);
    const { code, stdout } = await home.runSkylan("plan");
    assert.equal(code, 0);
    const lines = stdout.trimEnd().split("\n");
    const changes = [
      "~ interface wan down -> up",
      "~ sysctl net/ipv6/conf/lan/accept_ra 1 -> 0",
      "+ route unreachable fc00::/7 metric 65536",
      "+ firewall table inet skylan, in one step",
      "  + chain forward: drop (no prefix yet: nothing passes)",
    ];
    for (const change of changes) assert.ok(lines.includes(change), `${change} in\n${stdout}`);
    assert.equal(lines.at(-2), "LAN home gets a /64 when the provider delegates a prefix.");
    assert.match(lines.at(-1)!, /^\d+ changes; `skylan up` makes them\.$/);
    assert.deepEqual(await boxState(gateway), before);
    assert.ok(!existsSync(join(home.directory, "state")), "nothing is written either");

    await home.startSkylan();
    await home.until(async () => (await home.runSkylan("plan")).stdout.endsWith("\nNothing to change.\n"), {
      within: 10_000,
      what: "there is nothing to change",
    });
  });

  test("`skylan status` shows a person and a program the prefix, its history and the LAN; without a daemon it says so", async () => {
    await using home = await createHome();
    const { code, stderr } = await home.runSkylan("status");
    assert.equal(code, EXIT.conflict);
    assert.match(stderr, /^skylan: .*skylan up/);
    await home.startSkylan({ lan: { home: { open: ["tcp/8080"] } }, gateway: { open: ["tcp/22"] } });
    const address = await home.globalAddress("laptop");
    const json = JSON.parse((await home.runSkylan("status", "--json")).stdout) as Status;
    const [held] = json.delegations;
    assert.ok(held!.valid! > held!.preferred! && held!.valid! <= 300);
    assert.deepEqual(
      json.prefixHistory.map(({ prefix, until }) => [prefix, until]),
      [[held!.prefix, undefined]],
    );
    assert.ok(contains(json.lans[0]!.subnets[0]!.prefix, ip6(address)));
    assert.ok(json.routes.some(({ destination, kind }) => destination === held!.prefix && kind === "unreachable"));
    assert.deepEqual([json.lans[0]!.open, json.gatewayOpen], [["tcp/8080"], ["tcp/22"]]);
    assert.ok(json.events.some(({ text }) => text.includes(held!.prefix)));
    const { stdout } = await home.runSkylan("status");
    for (const part of [held!.prefix, json.lans[0]!.subnets[0]!.prefix, json.wan.routers[0]!.address, "tcp/8080", "tcp/22"])
      assert.ok(stdout.includes(part), `${part} in\n${stdout}`);

    await home.skylan.stop();
    await home.startSkylan();
    const [again] = (await home.status()).prefixHistory;
    assert.deepEqual(again, json.prefixHistory[0], "the history outlives a restart");
  });

  test("by an old Node the launcher starts a newer one, and both end well when a signal reaches the two of them", {
    skip: withoutOldNode,
  }, async () => {
    await using home = await createHome({ isp: "none" });
    const up = [LAUNCHER, "up", "--config", configure(home), ...ownDirectories(home)];
    for (const [signal, target] of [
      ["INT", (pid: number) => `-${pid}`],
      ["TERM", (pid: number) => `-${pid}`],
      ["TERM", (pid: number) => `${pid}`],
    ] as const) {
      const skylan = home.gateway.spawn(["setsid", OLD_NODE, ...up]);
      await skylan.line(/ is up: /, 20_000);
      await home.gateway.exec("kill", `-${signal}`, "--", target(skylan.pid));
      assert.deepEqual(await skylan.ended, { code: 0, signal: null }, skylan.output);
    }
  });

  test("as a service, a user with three capabilities, `up` tells systemd that it is ready and does everything, and `down` as well, also when root says it", {
    skip: skipWithout("setpriv", "python3") || otherUserIsRefused(),
  }, async () => {
    await using home = await createHome();
    const file = configure(home);
    const before = await boxState(home.gateway);
    const systemd = join(home.directory, "notify");
    const listener = home.gateway.spawn(["/usr/bin/python3", "-c", LISTEN, systemd]);
    await listener.line(/^listening$/, 10_000);
    chmodSync(systemd, 0o666);
    const up = nodeCommand("../cli/main", "up", "--config", file, ...ownDirectories(home));
    const service = home.gateway.spawn([...AS_SERVICE, ...up], { env: { NOTIFY_SOCKET: systemd } });
    await service.line(/ is up: /, 20_000);
    await listener.line(/^READY=1$/, 5_000);
    const told = listener.output.split("\n").filter((line) => line !== "");
    assert.deepEqual(told, ["listening", "READY=1"]);
    await home.globalAddress("laptop");
    assert.doesNotMatch(service.output, /permission|EPERM|EACCES/);
    assert.equal((await home.runSkylan("down")).code, 0);
    assert.equal((await service.ended).code, 0);
    assert.deepEqual(await boxState(home.gateway), before);

    const again = home.gateway.spawn([...AS_SERVICE, ...up]);
    const isBound = async (): Promise<boolean> => /^ *delegated /m.test((await home.runSkylan("status")).stdout);
    await home.until(isBound, { within: 20_000, every: 500, what: "the prefix is delegated again" });
    await again.stop();
    const { code, stderr } = await home.runSkylan("down");
    assert.equal(code, 0, stderr);
    const state = join(home.directory, "state");
    const owners = readdirSync(state).map((name) => statSync(join(state, name)).uid);
    assert.deepEqual([...new Set(owners)], [statSync(state).uid], "what root has written belongs to the service");
  });
});
