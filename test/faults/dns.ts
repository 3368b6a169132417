import type { Fault } from "./fault.ts";

const unit = (name: string) => ({ file: "src/machines/dns-forwarder.test.ts", name });
const response = { file: "src/machines/dns-response.ts" };

export const faults: readonly Fault[] = [
  {
    row: "DNS-2",
    breaks: "an answer with another id is taken",
    ...response,
    find: "if (bytes.length < HEADER || bytes[0] !== query[0] || bytes[1] !== query[1]) return undefined;",
    replace: "if (bytes.length < HEADER) return undefined;",
    test: unit("an answer is taken only with the id, name, type and class of the question"),
  },
  {
    row: "DNS-2",
    breaks: "an answer to another type or class is taken",
    ...response,
    find: "if (bytes[at] !== query[at]) return false;",
    replace: "if (bytes[at] === undefined) return false;",
    test: unit("an answer is taken only with the id, name, type and class of the question"),
  },
  {
    row: "DNS-2",
    breaks: "equal questions go upstream one by one, so that a guess has many chances",
    file: "src/machines/dns-forwarder.ts",
    find: "const same = this.#pending.get(key);",
    replace: "const same = this.#pending.get(asker.who + key);",
    test: unit("equal questions on their way are one"),
  },
  {
    row: "DNS-2",
    breaks: "every question has the same port upstream",
    file: "src/kernel/udp-query.ts",
    find: "const port = LOWEST_PORT + (random.uint32() % (HIGHEST_PORT - LOWEST_PORT + 1));",
    replace: "const port = LOWEST_PORT + (random.uint32() % 1000);",
    test: { file: "test/scripted/dns.test.ts", name: "ten thousand questions have random ports" },
  },
  {
    row: "DNS-3",
    breaks: "half an answer is passed on",
    ...response,
    find: 'if ((bytes[2]! & 0x02) !== 0) return "truncated";',
    replace: "",
    test: unit("a truncated answer is asked for by TCP"),
  },
  {
    row: "DNS-7",
    breaks: "answers do not age",
    file: "src/machines/dns-cache.ts",
    find: "setTtls(entry, (ttl) => (ttl > age ? ttl - age : 0));",
    replace: "setTtls(entry, (ttl) => ttl);",
    test: unit("TTLs count down"),
  },
  {
    row: "DNS-15",
    breaks: "answers are answered",
    file: "src/machines/dns-query-forms.ts",
    find: "if (query.length < HEADER || (query[2]! & RESPONSE) !== 0) return",
    replace: "if (query.length < HEADER) return",
    test: unit("what is no question has FORMERR or nothing"),
  },
];
