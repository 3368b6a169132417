/** IPv4 addresses of the hosts at home, as a person would type them in: the gateway leases none yet. */
import type { Home } from "./home.ts";

/** What skylan takes for the first LAN by itself. */
const GATEWAY = "192.168.1.1";

/** Gives the hosts of a home with one LAN 192.168.1.2, 192.168.1.3 ... and the gateway as their router; returns the addresses in their order. */
export async function giveIpv4(home: Home): Promise<readonly string[]> {
  const addresses = home.hosts.map((_host, index) => `192.168.1.${index + 2}`);
  await Promise.all(home.hosts.map((host, index) => host.ip(`addr add ${addresses[index]}/24 dev eth0\nroute add default via ${GATEWAY}`)));
  return addresses;
}
