/** The lab itself: its story with both providers, its commands, and that it leaves nothing behind. */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chownSync, existsSync, globSync, mkdtempSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { createHome, type HomeOptions } from "../../src/lab/home.ts";
import { nodeCommand } from "../../src/lab/script-path.ts";
import { type Check, tellStory } from "../../src/lab/story.ts";
import { until } from "../../src/lab/until.ts";
import { NOBODY, otherUserIsRefused } from "../fixtures/service.ts";
import { skipWithout } from "./home.ts";

const withoutKea = skipWithout("radvd", "kea-dhcp4", "kea-dhcp6");

describe("the story", { concurrency: 2 }, () => {
  const homes: readonly (readonly [string, HomeOptions, string | false])[] = [
    ["the embedded provider", { isp: "embedded" }, false],
    ["radvd and Kea", { isp: "kea" }, withoutKea],
    ["the embedded provider and a /62", { isp: "embedded", delegatedLength: 62 }, false],
    ["radvd and Kea and a /63", { isp: "kea", delegatedLength: 63 }, withoutKea],
  ];
  for (const [name, options, skip] of homes) {
    test(`[ROB-1] Starlink's profile is green from end to end with ${name}`, { skip }, async () => {
      await using home = await createHome(options);
      const checks = await tellStory(home, () => undefined);
      const failed = checks.filter((check) => check.result !== "ok");
      assert.equal(failed.length, 0, `${failed.map(({ what, detail }) => `${what}: ${detail}`).join("\n")}\n${await home.describe()}`);
      assert.match(detail(checks, "the provider's router is heard"), /^fe80::200:5eff:fe00:101, M=0 O=1$/);
      assert.match(
        detail(checks, "a prefix is delegated"),
        new RegExp(`/${options.delegatedLength ?? 56}, preferred 1[0-5]\\d s, valid 2\\d\\d s`),
      );
      assert.equal(detail(checks, "the LAN is told the provider's resolvers"), "2606:4700:4700::1111, 2001:4860:4860::8888");
    });
  }
});

function detail(checks: readonly Check[], what: string): string {
  return checks.find((check) => check.what === what)!.detail;
}

describe("the command", { concurrency: 2 }, () => {
  test("`skylan lab --once` prints a table, ends with 0, and leaves the machine as it was", async () => {
    const before = machine();
    using lab = startLab({ once: true });
    assert.equal(await lab.ended, 0, lab.output());
    assert.match(lab.output(), /the internet connects to the laptop on tcp\/8080 +ok +\d+\.\d\d\n/);
    assert.match(lab.output(), /All \d+ checks passed\./);
    assert.deepEqual(lab.leftovers(), []);
    assert.equal(machine(), before);
  });

  test("`skylan lab --once` works for a plain user", { skip: plainUserIsRefused() }, async () => {
    using lab = startLab({ once: true, uid: NOBODY });
    assert.equal(await lab.ended, 0, lab.output());
    assert.deepEqual(lab.leftovers(), []);
  });

  for (const [who, uid] of [
    ["root", 0],
    ["a plain user", NOBODY],
  ] as const) {
    test(`${who} explores: exec enters a host, and SIGTERM ends everything`, { skip: uid !== 0 && plainUserIsRefused() }, async () => {
      using lab = startLab({ once: false, uid });
      await until(() => lab.output().includes("The home stays up"), { within: 200_000, what: "the story is told", dump: lab.output });
      assert.match(lab.run("exec", "laptop", "--", "ip", "-6", "-brief", "addr", "show", "eth0"), /2605:59c8:/);
      assert.match(lab.run("exec", "gateway", "skylan", "status"), /^PREFIX +2605:59c8:/m);
      assert.match(lab.run("exec", "net", "--", "sh", "-c", "ip -6 route show default"), /via 2a0d:7f00:1::1/);
      assert.match(
        lab.run("exec", "net", "--", "fetch", "http://[laptop]:8080/"),
        /^Hello from laptop, port 8080\. You are 2a0d:7f00:1::80\./,
      );
      assert.deepEqual(lab.run("list").trim().split("\n"), ["isp", "gateway", "net", "laptop", "camera"]);
      assert.throws(() => lab.run("exec", "laptop", "--", "sh", "-c", "exit 7"), { status: 7 });
      assert.match(lab.run("exec", "laptop", "ls", "--help"), /^Usage: ls/);
      assert.throws(() => lab.run("exec"), { status: 64 });
      assert.throws(() => lab.run("exec", "fridge"), /the lab has no host fridge; it has isp, gateway/);
      assert.throws(() => lab.run(), /a lab runs already/);
      assert.ok(lab.leftovers().some((line) => line.startsWith("/tmp/skylan-home-")));
      lab.kill("SIGTERM");
      assert.equal(await lab.ended, 0, lab.output());
      assert.throws(() => lab.run("exec", "laptop", "true"), /no lab of yours runs/);
      assert.deepEqual(lab.leftovers(), []);
    });

    test(`${who} kills the lab without mercy, and everything is gone as well`, { skip: uid !== 0 && plainUserIsRefused() }, async () => {
      using lab = startLab({ once: false, uid });
      await until(() => lab.output().includes("the provider's router is heard"), {
        within: 120_000,
        what: "skylan runs",
        dump: lab.output,
      });
      assert.ok(lab.leftovers().some((line) => line.startsWith("/tmp/skylan-home-")));
      lab.kill("SIGKILL");
      await lab.ended;
      await until(() => lab.leftovers().length === 0, { within: 10_000, what: "the home is gone", dump: () => lab.leftovers().join("\n") });
    });
  }
});

/** `skylan lab` as a process of some user, with a run directory of its own so that several fit beside each other. */
function startLab({ once, uid = 0 }: { readonly once: boolean; readonly uid?: number }) {
  const directory = mkdtempSync("/tmp/skylan-lab-test-");
  chownSync(directory, uid, uid);
  const [program, ...main] = nodeCommand("../cli/main", "lab");
  const env = { ...process.env, XDG_RUNTIME_DIR: directory, HOME: directory, MARK: directory };
  const options = { uid, gid: uid, env } as const;
  const child: ChildProcess = spawn(program!, once ? [...main, "--once"] : main, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout!.setEncoding("utf8").on("data", (text: string) => (output += text));
  child.stderr!.setEncoding("utf8").on("data", (text: string) => (output += text));
  const homes = new Set<string>();
  const leftovers = (): readonly string[] => {
    const processes = processesWith(directory);
    for (const line of processes) for (const [home] of line.matchAll(/\/tmp\/skylan-home-\w+/g)) homes.add(home);
    return [...processes, ...[...homes].filter((home) => existsSync(home))];
  };
  return {
    output: () => output,
    ended: new Promise<number | null>((resolve) => child.once("close", resolve)),
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    /** Another `skylan lab` command of the same user. */
    run: (...args: readonly string[]) =>
      execFileSync(program!, [...main, ...args], { ...options, encoding: "utf8", stdio: "pipe", timeout: 60_000 }),
    /** What is left of it: its processes, and the directories of the homes that have been seen in use. */
    leftovers,
    [Symbol.dispose]() {
      child.kill("SIGKILL");
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** What runs of a lab: its processes have inherited its environment. */
function processesWith(mark: string): readonly string[] {
  const pids = globSync("/proc/[0-9]*").filter((path) => read(join(path, "environ")).includes(`MARK=${mark}`));
  return pids.map((path) => `${path}: ${read(join(path, "cmdline")).replaceAll("\0", " ")}`);
}

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

/** Everything of the machine's own network that a lab could have touched. */
function machine(): string {
  const show = (program: string, ...args: string[]): string => execFileSync(program, args, { encoding: "utf8" });
  const switches = globSync("/proc/sys/net/ipv6/conf/*/{forwarding,accept_ra,disable_ipv6}").map((path) => `${path} ${read(path)}`);
  const network = [show("ip", "-brief", "link"), show("ip", "-brief", "addr"), show("ip", "-6", "route"), show("ip", "-4", "route")];
  return [readlinkSync("/proc/self/ns/net"), ...network, show("nft", "list", "ruleset"), ...switches].join("\n");
}

/** Why a plain user can't have a lab here; false when he can. */
function plainUserIsRefused(): string | false {
  try {
    execFileSync("unshare", ["--user", "--map-root-user", "--net", "true"], { uid: NOBODY, gid: NOBODY, stdio: "pipe" });
    return otherUserIsRefused();
  } catch (error) {
    return `a plain user may not make namespaces here: ${(error as Error).message.split("\n")[0]}`;
  }
}
