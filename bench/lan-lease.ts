/**
 * A device that wants an IPv4 address and asks without patience: `node lan-lease.ts INTERFACE`. It prints {"asking": true} when it begins, and
 * {"leased": ADDRESS, "at": wall-clock ms} when the kernel has the address and the way out. No real client asks so often; so what is measured is the
 * server, and not the pauses of a client.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { UNSPECIFIED4 } from "../src/addr/ip.ts";
import { mac } from "../src/addr/mac.ts";
import { dhcpv4AndArp } from "../src/kernel/packet-filter.ts";
import { openPacketSocket } from "../src/kernel/packet-socket.ts";
import { discover, hear, request, type Speaker } from "../src/machines/dhcpv4-client-messages.ts";
import { DHCPV4_CLIENT_PORT, type Dhcpv4Message, optionOf } from "../src/wire/dhcpv4.ts";

const link = process.argv[2] ?? "eth0";
const EVERY = 25;
const own = mac(readFileSync(`/sys/class/net/${link}/address`, "utf8").trim());
const speaker: Speaker = { mac: own, clientId: Uint8Array.of(1, 2, 0, 0, 0, 1, 7), xid: process.pid, secs: 0 };
let offer: Dhcpv4Message | undefined;

const socket = openPacketSocket({
  interface: link,
  filter: dhcpv4AndArp(DHCPV4_CLIENT_PORT),
  receive: (frames) => {
    for (const { bytes, sent } of frames) if (!sent) listen(bytes);
  },
});
console.log(JSON.stringify({ asking: true }));
ask();
const asking = setInterval(ask, EVERY);

function ask(): void {
  const server = offer && optionOf(offer, "server-id")?.address;
  socket.send(offer ? request(speaker, offer.yiaddr, server) : discover(speaker, undefined));
}

function listen(bytes: Uint8Array): void {
  const heard = hear(bytes);
  if (heard?.kind !== "dhcp" || heard.message.xid !== speaker.xid) return;
  if (heard.type === "nak") offer = undefined;
  if (heard.type === "offer" && !offer) {
    offer = heard.message;
    ask();
  }
  if (heard.type === "ack") use(heard.message);
}

function use(ack: Dhcpv4Message): void {
  clearInterval(asking);
  socket.close();
  const length = optionOf(ack, "subnet-mask")?.length ?? 24;
  const router = optionOf(ack, "routers")?.addresses[0] ?? UNSPECIFIED4;
  const commands = [`addr replace ${ack.yiaddr}/${length} dev ${link}`, `route replace default via ${router}`];
  execFileSync("ip", ["-batch", "-"], { input: commands.join("\n") });
  console.log(JSON.stringify({ leased: ack.yiaddr, at: Date.now() }));
}
