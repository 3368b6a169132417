import type { Fault } from "./fault.ts";

const UNIT = "src/machines/dhcpv6-lan-server.test.ts";

export const faults: readonly Fault[] = [
  {
    row: "LPD-1",
    breaks: "prefixes of the LANs are delegated too",
    file: "src/machines/dhcpv6-lan-prefixes.ts",
    find: "for (const part of [...pool.taken, ...reserved]) occupy(part);",
    replace: "for (const part of reserved) occupy(part);",
    test: { file: UNIT, name: "of a /60 with two LANs fourteen routers get a /64 each" },
  },
  {
    row: "LPD-1",
    breaks: "one prefix is delegated to two routers",
    file: "src/machines/dhcpv6-lan-prefixes.ts",
    find: "    for (const lease of binding.leases) occupy(lease.prefix);\n",
    replace: "",
    test: { file: UNIT, name: "prefixes of several lengths never overlap" },
  },
];
