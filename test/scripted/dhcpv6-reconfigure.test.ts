/** Reconfigure (RFC 8415 18.2.11, 20.4): who may order what, on a real link. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Duid, parseDuid } from "../../src/addr/duid.ts";
import { ALL_NODES } from "../../src/addr/ip.ts";
import { createHome } from "../../src/lab/home.ts";
import { HOME, OTHER_SERVER, SERVER } from "../../src/machines/dhcpv6-client.fixture.ts";
import { type ClientServerMessage, type Dhcpv6Option, encodeDhcpv6, MESSAGE_TYPES, optionOf } from "../../src/wire/dhcpv6.ts";
import { encodeAuthenticated, rkapKey } from "../../src/wire/dhcpv6-auth.ts";
import { assertOneExchange } from "./client-manners.ts";
import { type ScriptedProvider, scriptedProvider } from "./scripted-provider.ts";

const KEY = Uint8Array.from({ length: 16 }, (_, i) => i * 7 + 1);
const OTHER_KEY = KEY.toReversed();
const STRANGER = parseDuid("00:04:ff:ff:ff:ff:ff:ff:ff:ff:ff:ff:ff:ff:ff:ff:ff:ff")!;

interface Order {
  readonly replay: number;
  /** Of the message that is ordered; Renew by default. */
  readonly type?: number;
  readonly key?: Uint8Array;
  readonly server?: Duid;
  readonly client?: Duid;
}

/** A Reconfigure without its authentication. */
function draft(provider: ScriptedProvider, { type = MESSAGE_TYPES.renew, server = SERVER, client }: Partial<Order>): ClientServerMessage {
  const duid = client ?? optionOf(provider.heard.at(-1)!.message, "client-id")!.duid;
  const options: readonly Dhcpv6Option[] = [
    { kind: "client-id", duid },
    { kind: "server-id", duid: server },
    { kind: "reconfigure-message", messageType: type },
  ];
  return { kind: "reconfigure", transactionId: 0, options };
}

function authentic(provider: ScriptedProvider, order: Order): Uint8Array {
  return encodeAuthenticated(draft(provider, order), order.key ?? KEY, BigInt(order.replay));
}

/** Orders that nobody may obey. */
function forgeries(provider: ScriptedProvider): Readonly<Record<string, Uint8Array>> {
  const good = authentic(provider, { replay: 9 });
  const changed = good.slice();
  changed[changed.length - 1]! ^= 1;
  const otherAlgorithm = { ...rkapKey(new Uint8Array(16), 9n), algorithm: 2 };
  const plain = draft(provider, {});
  return {
    "no authentication": encodeDhcpv6(plain),
    "another key": authentic(provider, { replay: 9, key: OTHER_KEY }),
    "a changed digest": changed,
    "the counter of the key itself": authentic(provider, { replay: 5 }),
    "a smaller counter": authentic(provider, { replay: 4 }),
    "another client": authentic(provider, { replay: 9, client: STRANGER }),
    "another server": authentic(provider, { replay: 9, server: OTHER_SERVER }),
    "an order to reply": authentic(provider, { replay: 9, type: MESSAGE_TYPES.reply }),
    "an order to release": authentic(provider, { replay: 9, type: MESSAGE_TYPES.release }),
    "another algorithm": encodeDhcpv6({ ...plain, options: [...plain.options, otherAlgorithm] }),
    "a key in place of a digest": encodeDhcpv6({ ...plain, options: [...plain.options, rkapKey(KEY, 9n)] }),
  };
}

test("[D6E-5] only an authentic, new, unicast Reconfigure is obeyed, one at a time; none costs the lease; a restart changes nothing of it (case 15)", async () => {
  await using home = await createHome({ isp: "none" });
  using provider = scriptedProvider(home);
  await home.startSkylan();
  const request = await provider.bind({ options: [rkapKey(KEY, 5n)] });
  for (const { kind, message } of [provider.of("solicit")[0]!, request]) assert.ok(optionOf(message, "reconfigure-accept"), kind);
  const held = async (): Promise<string> => (await home.status()).delegations.map(({ prefix }) => prefix).join();

  for (const bytes of Object.values(forgeries(provider))) provider.sendBytes(bytes);
  provider.sendBytes(authentic(provider, { replay: 9 }), { to: ALL_NODES, destinationMac: request.destinationMac });
  provider.sendBytes(authentic(provider, { replay: 9 }), { to: request.to, destinationMac: request.destinationMac });
  assert.deepEqual(
    (await provider.listen(1500)).map(({ kind }) => kind),
    [],
  );
  for (const [what, bytes] of Object.entries(forgeries(provider))) {
    provider.sendBytes(bytes);
    assert.deepEqual(await provider.listen(100), [], what);
  }

  for (let replay = 10; replay < 60; replay++) provider.sendBytes(authentic(provider, { replay }));
  const renew = await provider.next("renew", { within: 2000 });
  assert.deepEqual(await provider.listen(1500), [], "fifty orders make one Renew");
  assert.equal(await held(), HOME);
  provider.answer(renew);
  assertOneExchange(provider.of("renew"));

  const orders = { rebind: MESSAGE_TYPES.rebind, "information-request": MESSAGE_TYPES["information-request"] } as const;
  for (const [i, kind] of (["rebind", "information-request"] as const).entries()) {
    provider.sendBytes(authentic(provider, { replay: 100 + i, type: orders[kind] }));
    provider.answer(await provider.next(kind, { within: 3000 }));
    await home.until(async () => (await home.status()).dhcpv6.state === "bound", { within: 3000, what: "the order is carried out" });
    assert.equal(await held(), HOME);
  }

  await home.skylan.stop();
  provider.passOver();
  await home.startSkylan();
  provider.answer(await provider.next("rebind"));
  await home.until(async () => (await home.status()).dhcpv6.state === "bound", { within: 3000, what: "the lease is verified" });
  provider.sendBytes(authentic(provider, { replay: 101 }));
  assert.deepEqual(await provider.listen(800), [], "an order of before the restart");
  provider.sendBytes(authentic(provider, { replay: 102 }));
  provider.answer(await provider.next("renew", { within: 2000 }));
  assert.equal(await held(), HOME);
});
