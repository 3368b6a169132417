/**
 * A web client for a host of the lab: `node web-client.ts URL [--within MS] [--every MS] [--watch]`. It opens a new connection for each try.
 * Without --watch it tries until a page comes or time is up, prints the page and ends with 0, or with 1 and the last error. With --watch it goes on for
 * ever and prints a JSON object for each try: {"at": wall-clock ms at its start, "ms": its length, "ok": true} or "error" instead of "ok".
 */
import { get } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    within: { type: "string", default: "5000" },
    every: { type: "string", default: "100" },
    timeout: { type: "string", default: "2000" },
    watch: { type: "boolean", default: false },
  },
});
const url = positionals[0] ?? "";
const every = Number(values.every);

await (values.watch ? watch() : fetchOnce());

async function fetchOnce(): Promise<void> {
  const deadline = performance.now() + Number(values.within);
  for (;;) {
    const left = deadline - performance.now();
    try {
      process.stdout.write(await page(Math.min(Number(values.timeout), Math.max(left, 1))));
      return;
    } catch (error) {
      if (performance.now() + every >= deadline) {
        console.error((error as Error).message);
        process.exitCode = 1;
        return;
      }
      await sleep(every);
    }
  }
}

/** Tries start at a steady pace, however long each takes. */
async function watch(): Promise<void> {
  for (;;) {
    void report(Date.now(), performance.now());
    await sleep(every);
  }
}

async function report(at: number, start: number): Promise<void> {
  const outcome = await page(Number(values.timeout)).then(
    () => ({ ok: true }),
    (error: Error) => ({ error: error.message }),
  );
  console.log(JSON.stringify({ at, ms: Math.round((performance.now() - start) * 10) / 10, ...outcome }));
}

function page(timeout: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, signal: AbortSignal.timeout(Math.ceil(timeout)) }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.on("end", () => resolve(body)).on("error", reject);
    });
    request.on("error", (error) => reject(error.name === "AbortError" ? new Error(`no answer within ${Math.ceil(timeout)} ms`) : error));
  });
}
