/** What no implementation can go below: the waits that the protocols and the kernels of the hosts prescribe, as their expected values. */

export interface Part {
  readonly what: string;
  readonly seconds: number;
}

export function floorParts(): readonly Part[] {
  return [
    { what: "random delay of the first Solicit, 0 to 1 s (SOL_MAX_DELAY, RFC 8415 18.2.1)", seconds: 0.5 },
    {
      what: "collecting Advertises for the first RT, 1.0 to 1.1 s (RFC 8415 18.2.1); duplicate address detection of the gateway runs beside it (RFC 4429)",
      seconds: 1.05,
    },
    { what: "duplicate address detection of the host's address: random 0 to 1 s, then RetransTimer (RFC 4862 5.4.2)", seconds: 1.5 },
  ];
}
