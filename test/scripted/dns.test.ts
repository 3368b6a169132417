/** The forwarder between a resolver that does what a test says, and clients that do. */
// Needs: delv
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Ip6 } from "../../src/addr/ip.ts";
import { seededRandom } from "../../src/addr/random.ts";
import type { DnsStatus } from "../../src/api/dns-status.ts";
import type { Home } from "../../src/lab/home.ts";
import { giveIpv4 } from "../../src/lab/static-ipv4.ts";
import { decodeDns, type DnsMessage, NO_FLAGS, RCODE, RR_CLASS, RR_TYPE } from "../../src/wire/dns.ts";
import { onlineHome } from "../homes/home.ts";
import {
  aaaa,
  answer,
  type Asked,
  query,
  RESOLVER,
  type ScriptedClient,
  scriptedClient,
  type ScriptedResolver,
  scriptedResolver,
} from "./dns-resolver.ts";

const RIGHT = "2a0d:7f00:1::80";
const WRONG = "2a0d:7f00:1::bad";
const IPV4 = "192.168.1.1";

let home: Home;
let resolver: ScriptedResolver;
let client: ScriptedClient;
let gateway: Ip6;

async function dig(...options: readonly string[]): Promise<string> {
  const { stdout } = await home.laptop.attempt("dig", `@${IPV4}`, "+tries=1", "+timeout=5", ...options);
  return stdout.trim();
}

const short = (name: string): Promise<string> => dig("+short", name, "AAAA");
const status = async (): Promise<DnsStatus> => JSON.parse((await home.runSkylan("dns", "--json")).stdout) as DnsStatus;
const politely = (asked: Asked): void => asked.reply(answer(asked));
const asOf = (name: string): readonly Asked[] => resolver.asked.filter(({ message }) => message.questions[0]!.name === name);

describe("the forwarder and a scripted resolver", () => {
  before(async () => {
    home = await onlineHome({}, { wan: { ipv4: "dhcp" }, dns: { enabled: true, upstreams: [RESOLVER] } });
    resolver = await scriptedResolver(home);
    await giveIpv4(home);
    gateway = (await home.status()).lans[0]!.resolvers[0]!;
    const index = Number(await home.laptop.exec("cat", "/sys/class/net/eth0/ifindex"));
    client = scriptedClient(home.laptop, gateway, index);
    await home.until(async () => (await short("first.test-zone.net")) === RIGHT, { within: 20_000, what: "the forwarder answers" });
  });
  after(async () => {
    client[Symbol.dispose]();
    resolver[Symbol.dispose]();
    await home[Symbol.asyncDispose]();
  });

  test("[DNS-2] forged answers with one field wrong are not taken: id, name, type, class, address, port", async () => {
    const before = (await status()).counters.strangers;
    resolver.script = (asked) => {
      const { message } = asked;
      const [question] = message.questions;
      const evil = { answers: [aaaa(question!.name, WRONG)] };
      asked.reply(answer(asked, { ...evil, id: message.id ^ 0x8000 }));
      asked.reply(answer(asked, { ...evil, questions: [{ ...question!, name: "www.other.net" }] }));
      asked.reply(answer(asked, { ...evil, questions: [{ ...question!, type: RR_TYPE.A }] }));
      asked.reply(answer(asked, { ...evil, questions: [{ ...question!, class: RR_CLASS.CH }] }));
      asked.forge("stranger", answer(asked, evil));
      asked.forge("other-port", answer(asked, evil));
      politely(asked);
      // What comes after the answer finds nobody.
      asked.reply(answer(asked, evil));
    };
    for (const name of ["a.forged.net", "b.forged.net"]) {
      assert.equal(await short(name), RIGHT);
      assert.equal(await short(name), RIGHT, "nor is the cache poisoned");
    }
    assert.equal((await status()).counters.strangers, before + 8, "those that came from the resolver's own address and port");
  });

  test("[DNS-2] ten thousand questions have random ports out of many, and random ids", async () => {
    resolver.script = politely;
    const from = resolver.asked.length;
    const count = 10_000;
    let [sent, done] = [0, 0];
    const more = (): void => {
      if (sent < count) client.ask(query(`n${sent++}.many.net`));
    };
    client.hear = () => {
      done++;
      more();
    };
    for (let i = 0; i < 48; i++) more();
    // One that is lost on the way must not stop the others.
    let last = 0;
    const nearlyAll = (): boolean => {
      if (done === last) for (let i = 0; i < 8; i++) more();
      last = done;
      return sent === count && done >= count * 0.95;
    };
    await home.until(nearlyAll, { within: 60_000, what: "nearly all are answered" });
    await home.until(async () => (await status()).pending === 0, { within: 15_000, what: "none is on its way" });
    const asked = resolver.asked.slice(from).filter(({ transport }) => transport === "udp");
    const ports = asked.map(({ port }) => port);
    assert.ok(Math.min(...ports) < 2000 && Math.max(...ports) > 64_500, `${Math.min(...ports)} to ${Math.max(...ports)}`);
    assertEven(ports.map((port) => (port - 1024) / 64_512));
    assertEven(asked.map(({ message }) => message.id / 65_536));
  });

  test("[DNS-2] clients that ask the same at the same time cost one question", async () => {
    resolver.script = (asked) => void sleep(150).then(() => politely(asked));
    const names = ["same.net", "SAME.net", "same.NET", "sAmE.net"];
    const from = client.heard.length;
    for (const [index, name] of names.entries()) client.ask(query(name, { id: 100 + index }));
    const answers = () =>
      client.heard
        .slice(from)
        .filter(({ id }) => id >= 100)
        .map(({ id, questions }) => `${id} ${questions[0]!.name}`);
    await home.until(() => answers().length >= names.length, { within: 5000, what: "all are answered" });
    assert.deepEqual(
      answers().toSorted(),
      names.map((name, index) => `${100 + index} ${name}`),
    );
    assert.equal(resolver.asked.filter(({ message }) => message.questions[0]!.name.toLowerCase() === "same.net").length, 1);
  });

  test("[DNS-3] half an answer with TC is thrown away, and the whole one comes by TCP", async () => {
    const all = Array.from({ length: 90 }, (_, i) => aaaa("half.net", `2a0d:7f00:1::${i + 1}`));
    resolver.script = (asked) => {
      const truncated = { ...NO_FLAGS, response: true, recursionDesired: true, recursionAvailable: true, truncated: true };
      asked.reply(answer(asked, asked.transport === "tcp" ? { answers: all } : { flags: truncated, answers: all.slice(0, 3) }));
    };
    const lines = (await short("half.net")).split("\n");
    assert.equal(lines.length, all.length);
    assert.deepEqual(
      asOf("half.net").map(({ transport }) => transport),
      ["udp", "tcp"],
    );
  });

  test("[DNS-4] upstream is told 1232 octets; one that says FORMERR is asked again without EDNS", async () => {
    resolver.script = (asked) => {
      const { edns, ...bare } = asked.message;
      asked.reply(edns ? answer({ message: bare }, { rcode: RCODE.FORMERR, answers: [] }) : answer(asked));
    };
    assert.equal(await short("formerr.net"), RIGHT);
    const [first, second] = asOf("formerr.net");
    assert.deepEqual([first?.message.edns?.size, second?.message.edns], [1232, undefined]);
  });

  test("[DNS-18] a resolver that writes names in another case is understood, and the client sees its own", async () => {
    resolver.script = (asked) => {
      const name = asked.message.questions[0]!.name.toUpperCase();
      asked.reply(answer(asked, { questions: [{ ...asked.message.questions[0]!, name }], answers: [aaaa(name, RIGHT)] }));
    };
    assert.match(await dig("MiXed.net", "AAAA"), /^;MiXed\.net\.[^]*\tAAAA\t2a0d:7f00:1::80/m);
    assert.equal(asOf("MiXed.net").length, 1, "asked for as the client wrote it");
  });

  test("[DNS-5] unknown types, and the flags AD, CD, DO and the reserved one, pass both ways", async () => {
    resolver.script = (asked) => asked.reply(answer(asked, { flags: { ...asked.message.flags, response: true }, answers: [] }));
    const flags = { ...NO_FLAGS, recursionDesired: true, checkingDisabled: true, reserved: true, authenticData: true };
    const edns = { size: 1400, version: 0, dnssecOk: true, flags: 0, options: [] };
    const reply = await ask(query("flags.net", { flags, edns, questions: [{ name: "flags.net", type: 65_280, class: 4000 }] }));
    const [asked] = asOf("flags.net");
    assert.deepEqual(asked?.message.questions, [{ name: "flags.net", type: 65_280, class: 4000 }]);
    const passed = (message: DnsMessage | undefined) => [
      message?.flags.checkingDisabled,
      message?.flags.reserved,
      message?.flags.authenticData,
    ];
    assert.deepEqual(passed(asked?.message), [true, true, true]);
    assert.deepEqual([passed(reply), reply.edns?.dnssecOk], [[true, true, true], true]);
  });

  test("[DNS-15] malformed packets get an error or nothing, and what comes next is answered", async () => {
    resolver.script = (asked) => {
      asked.reply(mutate(answer(asked), 5));
      politely(asked);
    };
    const { pid } = home.skylan;
    for (let i = 0; i < 3000; i++) {
      client.ask(mutate(query(`m${i % 50}.broken.net`), 1 + (i % 6)));
      if (i % 100 === 99) await sleep(5);
    }
    resolver.script = politely;
    await home.until(async () => (await short("after.broken.net")) === RIGHT, { within: 20_000, what: "the next question is answered" });
    assert.match(readFileSync(`/proc/${pid}/stat`, "utf8"), /^\d+ /);
    assert.ok((await status()).counters.malformed > 100);
  });

  test("[DNS-1] by TCP: questions in single octets, answers in another order, an end after ten idle seconds, connections of one client bounded", async () => {
    resolver.script = (asked) => {
      if (asked.message.questions[0]!.name === "slow.net") void sleep(700).then(() => politely(asked));
      else politely(asked);
    };
    const { stdout, stderr } = await home.laptop.attempt(
      process.execPath,
      "--input-type=module",
      "-e",
      tcpClient(query("slow.net"), query("quick.net", { id: 2 })),
    );
    const told = JSON.parse(stdout || "{}") as { order?: number[]; idle?: number; refused?: number };
    assert.deepEqual(told.order, [2, 1], stderr);
    assert.ok(told.idle! > 9000 && told.idle! < 14_000, `${told.idle} ms`);
    assert.equal(told.refused, 5, "of 25 connections");
  });

  test("[DNS-17] a source that is none of the home's is refused, and upstream hears nothing of it", async () => {
    resolver.script = politely;
    await home.laptop.ip("addr add 198.18.0.99/32 dev lo");
    assert.match(await dig("-b", "198.18.0.99", "stranger.net", "AAAA"), /REFUSED/);
    assert.match(await dig("any.net", "ANY"), /HINFO\s+"RFC8482"/);
    assert.equal(asOf("stranger.net").length + asOf("any.net").length, 0);
    assert.equal((await status()).counters.offLink, 1);
  });

  test("[ROB-8] a flood of new names from one client leaves room for the others, and memory stays within bounds", async () => {
    resolver.script = () => undefined;
    const memory = (): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${home.skylan.pid}/status`, "utf8"))?.[1]);
    const before = memory();
    for (let i = 0; i < 20_000; i++) {
      client.ask(query(`f${i}.flood.net`));
      if (i % 200 === 199) await sleep(2);
    }
    resolver.script = politely;
    const { stdout } = await home.camera.attempt("dig", `@${IPV4}`, "+short", "+tries=3", "+timeout=3", "camera.net", "AAAA");
    // What dig says of tries that were lost in the flood stands before.
    assert.equal(stdout.trim().split("\n").at(-1), RIGHT);
    assert.ok(memory() - before < 120_000, `${memory() - before} kB more`);
  });
});

describe("a resolver that drops what has EDNS", () => {
  test("[DNS-4] it is asked without, within the patience of a client", async () => {
    await using own = await onlineHome({}, { wan: { ipv4: "dhcp" }, dns: { enabled: true, upstreams: [RESOLVER] } });
    using deaf = await scriptedResolver(own);
    await giveIpv4(own);
    deaf.script = (asked) => {
      if (asked.message.edns === undefined) politely(asked);
    };
    const { stdout } = await own.laptop.attempt("dig", `@${IPV4}`, "+short", "+tries=1", "+timeout=5", "deaf.net", "AAAA");
    assert.equal(stdout.trim(), RIGHT);
  });
});

function ask(message: Uint8Array): Promise<DnsMessage> {
  const { promise, resolve } = Promise.withResolvers<DnsMessage>();
  const { name } = decodeDns(message).questions[0]!;
  client.hear = (heard) => {
    // What earlier questions had for an answer may still be coming.
    if (heard.questions[0]?.name === name) resolve(heard);
  };
  client.ask(message);
  return promise;
}

/** Pearson's test with 64 classes: a fair source exceeds the bound once in a million times. */
function assertEven(values: readonly number[]): void {
  const counts = new Array<number>(64).fill(0);
  for (const value of values) counts[Math.floor(value * 64)]!++;
  const expected = values.length / 64;
  const chi = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  assert.ok(chi < 135, `chi-squared is ${chi}`);
  assert.ok(chi > 20, `chi-squared is ${chi}: too even for chance`);
}

const random = seededRandom(7);

function mutate(bytes: Uint8Array, changes: number): Uint8Array {
  const copy = bytes.slice();
  for (let i = 0; i < changes; i++) copy[random.uint32() % copy.length] = random.uint32() & 0xff;
  return copy.subarray(0, random.uint32() % 8 === 0 ? random.uint32() % copy.length : copy.length);
}

/** A program that speaks DNS by TCP as badly as is allowed, and prints what it has seen. */
function tcpClient(slow: Uint8Array, quick: Uint8Array): string {
  const framed = (message: Uint8Array): string => JSON.stringify([message.length >> 8, message.length & 0xff, ...message]);
  return `
    import { connect } from "node:net";
    import { setTimeout as sleep } from "node:timers/promises";
    const open = () => new Promise((resolve) => { const s = connect({ host: "${IPV4}", port: 53, noDelay: true }); s.on("error", () => {}); s.once("connect", () => resolve(s)); });
    const socket = await open();
    const order = [];
    let rest = Buffer.alloc(0);
    const both = new Promise((resolve) => socket.on("data", (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
        order.push(rest.readUInt16BE(2));
        rest = rest.subarray(2 + rest.readUInt16BE(0));
      }
      if (order.length === 2) resolve();
    }));
    for (const octet of ${framed(slow)}) { socket.write(Buffer.of(octet)); await sleep(1); }
    socket.write(Buffer.from(${framed(quick)}));
    await both;
    const since = performance.now();
    await new Promise((resolve) => socket.once("close", resolve));
    const idle = performance.now() - since;
    const many = await Promise.all(Array.from({ length: 25 }, open));
    let refused = 0;
    for (const each of many) { each.once("close", () => refused++); each.resume(); }
    await sleep(1000);
    process.stdout.write(JSON.stringify({ order, idle, refused }));
    process.exit();
  `;
}
