/** Raw ICMPv6 on one interface (RFC 3542 section 3): the kernel makes and checks checksums, and lets only the chosen types through. */
import type { Ip6 } from "../addr/ip.ts";
import { type Datagram, openIpv6Socket, orClose, sendTo, socketAddress, wasFragmented, watchDatagrams } from "./ipv6-socket.ts";
import type { KernelError } from "./kernel-error.ts";
import { setOptionBytes } from "./libc.ts";
import { SendBatch } from "./message-batch.ts";

const SOCK_RAW = 3;
const IPPROTO_ICMPV6 = 58;
const ICMPV6_FILTER = 1;
/** Room for the largest message of an Ethernet with jumbo frames. */
const ROOM = { slots: 32, size: 9216 };

export interface RawIcmpv6Options {
  readonly interface: string;
  /** ICMPv6 types to hear, e.g. 134 for Router Advertisements. */
  readonly types: readonly number[];
  /** Multicast groups to join. */
  readonly groups: readonly Ip6[];
  /** Is given what has arrived, at least one message. Messages that came in fragments are left out (RFC 6980 section 5). */
  readonly receive: (datagrams: readonly Datagram[]) => void;
}

export interface RawIcmpv6 {
  /** Sends one message; the checksum is filled in. @returns the kernel's refusal: the message is then lost like any other */
  send(to: Ip6, bytes: Uint8Array): KernelError | undefined;
  /** Sends many at once. @returns how many the kernel refused */
  sendAll(messages: readonly { readonly to: Ip6; readonly bytes: Uint8Array }[]): number;
  close(): void;
}

/** @throws KernelError ENODEV when there is no such interface, EPERM without CAP_NET_RAW */
export function openRawIcmpv6(options: RawIcmpv6Options): RawIcmpv6 {
  const change = `open a raw ICMPv6 socket on ${options.interface}`;
  const { fd, index } = openIpv6Socket(SOCK_RAW, IPPROTO_ICMPV6, options.interface, options.groups, change);
  return orClose(fd, () => {
    setOptionBytes(fd, IPPROTO_ICMPV6, ICMPV6_FILTER, filterOf(options.types), change);
    const watched = watchDatagrams(fd, ROOM, (message) => !wasFragmented(message), options.receive);
    let batch: SendBatch | undefined;
    let closed = false;
    return {
      send: (to, bytes) => (closed ? undefined : sendTo(fd, socketAddress(to, 0, index), bytes, `send to ${to} on ${options.interface}`)),
      sendAll: (messages) => {
        if (closed) return messages.length;
        batch ??= new SendBatch(ROOM.slots, ROOM.size);
        return batch.send(
          fd,
          messages.map(({ to, bytes }) => ({ name: socketAddress(to, 0, index), payload: bytes })),
        );
      },
      close: () => {
        closed = true;
        watched.close();
      },
    };
  });
}

/** struct icmp6_filter: a set bit keeps that type out. */
function filterOf(types: readonly number[]): Uint8Array {
  const words = new Uint32Array(8).fill(0xffffffff);
  for (const type of types) words[type >> 5]! &= ~(1 << (type & 31));
  return new Uint8Array(words.buffer);
}
