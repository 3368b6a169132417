/** A reporter for node:test: one line of JSON for each test that has no tests inside. */
import { isAbsolute, relative } from "node:path";
import type { TestEvent } from "node:test/reporters";
import type { TestResult } from "./test-results.ts";

type Finished = Extract<TestEvent, { type: "test:pass" | "test:fail" }>;

/** The titles from the outermost test down to the one that is being reported. */
const titles: string[] = [];
/** How deep the test stood that was reported last: its parent is reported right after its last child. */
let lastNesting = 0;

export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of source) {
    if (event.type === "test:start") titles.splice(event.data.nesting, titles.length, event.data.name);
    if (event.type !== "test:pass" && event.type !== "test:fail") continue;
    const result = resultOf(event);
    lastNesting = event.data.nesting;
    if (result !== undefined) yield `${JSON.stringify(result)}\n`;
  }
}

function resultOf(event: Finished): TestResult | undefined {
  const { data } = event;
  const isParent = data.nesting < lastNesting || data.details.type === "suite";
  if (isParent && (event.type === "test:pass" || failureType(event) === "subtestsFailed")) return undefined;
  const message = messageOf(event);
  return {
    title: [...titles.slice(0, data.nesting), nameOf(data.name)].join(" > "),
    file: relative(process.cwd(), data.file ?? ""),
    outcome: event.type === "test:fail" ? "failed" : isSkipped(event) ? "skipped" : "passed",
    milliseconds: Math.round(data.details.duration_ms),
    ...(message === undefined ? {} : { message }),
  };
}

/** What fails outside of all tests, such as a hook, is reported under the path of its file. */
const nameOf = (name: string): string => (isAbsolute(name) ? `${relative(process.cwd(), name)} outside of its tests` : name);

/** A test that is marked as one for later proves as little as one that is skipped. */
const isSkipped = ({ data }: Finished): boolean => (data.skip ?? data.todo ?? false) !== false;

function messageOf(event: Finished): string | undefined {
  const { skip, todo } = event.data;
  if (event.type === "test:fail") return textOf(causeOf(event));
  const reason = skip ?? todo;
  return typeof reason === "string" && reason !== "" ? reason : undefined;
}

const failureType = (event: Finished): unknown =>
  event.type === "test:fail" ? Reflect.get(event.data.details.error, "failureType") : undefined;

/** node:test wraps what the test threw. */
function causeOf(event: Extract<Finished, { type: "test:fail" }>): unknown {
  const { error } = event.data.details;
  return error.cause ?? error;
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const ownFrames = (error.stack ?? "")
    .split("\n")
    .filter((line) => /^\s+at /.test(line) && !line.includes("node:") && !line.includes("node_modules"));
  return [`${error.message}`, ...ownFrames].join("\n");
}
