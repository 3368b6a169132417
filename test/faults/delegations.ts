import type { Fault } from "./fault.ts";

const scripted = (subject: string, name: string): Fault["test"] => ({ file: `test/scripted/delegation-${subject}.test.ts`, name });

export const faults: readonly Fault[] = [
  {
    row: "D6P-1",
    breaks: "each start makes a new identity",
    file: "src/router/past.ts",
    find: '    save("identity", identityToJson(identity), "disk");\n',
    replace: "",
    test: scripted("memory", "DUID and IAIDs outlive a restart"),
  },
  {
    row: "D6P-3",
    breaks: "a delegation that is too small is not logged",
    file: "src/router/daemon.ts",
    find: "    this.#logNotices();\n",
    replace: "",
    test: scripted("shape", "any length is taken"),
  },
  {
    row: "SUB-3",
    breaks: "the former length of a prefix is held beside the new one",
    file: "src/machines/dhcpv6-client-bindings.ts",
    find: "overlaps(lease.prefix, former as Prefix)",
    replace: "lease.prefix === former",
    test: scripted("shape", "the same prefix shrinks and grows"),
  },
];
