/**
 * A resolver that answers exactly as a test says, and a client that asks as fast as it is told to; both live in the test's process and have their
 * sockets in namespaces of a home.
 */
import { type Ip, ip6, type Ip6, ip6ToBytes } from "../../src/addr/ip.ts";
import { listenTcp } from "../../src/io/dns-tcp-listener.ts";
import { bindTcp, listenUdp, type UdpListener } from "../../src/kernel/dns-sockets.ts";
import { openNamespace } from "../../src/kernel/setns.ts";
import type { Home } from "../../src/lab/home.ts";
import type { Namespace } from "../../src/lab/namespace.ts";
import { decodeDns, type DnsMessage, type DnsRecord, encodeDns, NO_FLAGS, OPCODE, RCODE, RR_CLASS, RR_TYPE } from "../../src/wire/dns.ts";

export const RESOLVER = ip6("2606:4700:4700::1111");
const STRANGER = ip6("2606:4700:4700::6666");
const OTHER_PORT = 5353;
/** A struct sockaddr_in6. */
const PORT_AT = 2;

export interface Asked {
  readonly message: DnsMessage;
  readonly transport: "udp" | "tcp";
  /** 0 by TCP. */
  readonly port: number;
  reply(message: Uint8Array): void;
  /** From another address, or from another port of ours. By UDP only. */
  forge(from: "stranger" | "other-port", message: Uint8Array): void;
}

export type Script = (asked: Asked) => void;

export interface ScriptedResolver extends Disposable {
  readonly asked: Asked[];
  /** What is done with each question from now on. */
  script: Script;
}

export const aaaa = (name: string, address: string, ttl = 300): DnsRecord => ({
  name,
  type: RR_TYPE.AAAA,
  class: RR_CLASS.IN,
  ttl,
  data: { kind: "aaaa", address: ip6(address) },
});

export function query(name: string, changes: Partial<DnsMessage> = {}): Uint8Array {
  return encodeDns({
    id: 1,
    flags: { ...NO_FLAGS, recursionDesired: true },
    opcode: OPCODE.QUERY,
    rcode: RCODE.NOERROR,
    questions: [{ name, type: RR_TYPE.AAAA, class: RR_CLASS.IN }],
    answers: [],
    authorities: [],
    additionals: [],
    ...changes,
  });
}

/** An answer to what was asked: one address for any name. */
export function answer({ message }: Pick<Asked, "message">, changes: Partial<DnsMessage> = {}): Uint8Array {
  const flags = { ...message.flags, response: true, recursionAvailable: true, authenticData: false };
  return encodeDns({ ...message, flags, answers: [aaaa(message.questions[0]!.name, "2a0d:7f00:1::80")], ...changes });
}

/** Stands at the provider's, at RESOLVER. @throws KernelError */
export async function scriptedResolver(home: Home): Promise<ScriptedResolver> {
  const isp = home.host("isp");
  await isp.ip([RESOLVER, STRANGER].map((address) => `addr add ${address}/128 dev lo`).join("\n"));
  const namespace = openNamespace(`/proc/${isp.pid}/ns/net`);
  const asked: Asked[] = [];
  const resolver = { asked, script: ((each) => each.reply(answer(each))) as Script };
  const take = (each: Asked): void => {
    asked.push(each);
    resolver.script(each);
  };
  const listen = (address: Ip, port: number): UdpListener => listenUdp({ address, port }, () => 0);
  const { udp, tcp, stranger, other } = namespace.run(() => ({
    stranger: listen(STRANGER, 53),
    other: listen(RESOLVER, OTHER_PORT),
    tcp: listenTcp(
      bindTcp({ address: RESOLVER, port: 53 }),
      ({ query: bytes, reply }) => take({ message: decodeDns(bytes), transport: "tcp", port: 0, reply, forge: () => undefined }),
      (error) => {
        throw error;
      },
    ),
    udp: listenUdp({ address: RESOLVER, port: 53 }, (bytes, start, end, slot): number => {
      const back = udp.returnOf(slot);
      const plain = { name: back.name, control: new Uint8Array() };
      take({
        message: decodeDns(bytes.slice(start, end)),
        transport: "udp",
        port: (back.name[PORT_AT]! << 8) | back.name[PORT_AT + 1]!,
        reply: (message) => udp.sendLate(back, message),
        forge: (from, message) => (from === "stranger" ? stranger : other).sendLate(plain, message),
      });
      return 0;
    }),
  }));
  return Object.assign(resolver, {
    [Symbol.dispose]: () => {
      for (const each of [udp, tcp, stranger, other]) each.close();
      namespace.close();
    },
  });
}

export interface ScriptedClient extends Disposable {
  readonly heard: DnsMessage[];
  ask(message: Uint8Array): void;
  /** Called with each answer. */
  hear: (message: DnsMessage) => void;
}

/** In a host of the home, asking the forwarder at a link-local address of the gateway. */
export function scriptedClient(host: Namespace, gateway: Ip6, index: number): ScriptedClient {
  const namespace = openNamespace(`/proc/${host.pid}/ns/net`);
  const heard: DnsMessage[] = [];
  const name = new Uint8Array(28);
  name.set([10, 0, 0, 53]);
  name.set(ip6ToBytes(gateway), 8);
  name[24] = index;
  const client: ScriptedClient = {
    heard,
    hear: () => undefined,
    ask: (message) => udp.sendLate({ name, control: new Uint8Array() }, message),
    [Symbol.dispose]: () => {
      udp.close();
      namespace.close();
    },
  };
  const udp = namespace.run(() =>
    listenUdp({ interface: "eth0", port: 5300 }, (bytes, start, end) => {
      const message = decodeDns(bytes.slice(start, end));
      heard.push(message);
      client.hear(message);
      return 0;
    }),
  );
  return client;
}
