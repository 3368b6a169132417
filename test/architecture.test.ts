/**
 * The walls of the house (docs/architecture.md): which folder may import what, what pure code may not touch, how long a file may be and
 * what it may be called. The linter has the same walls, for the editor; here it is proved that they hold and that the linter's really stop.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, normalize } from "node:path";
import { test } from "node:test";

const ROOT = join(import.meta.dirname, "..");

/** Imports go to the same layer or down. Layers 0 to 3 are pure. */
const LAYERS: readonly (readonly string[])[] = [
  ["addr"],
  ["wire"],
  ["machines"],
  ["config", "plan", "diff", "doctor"],
  ["kernel", "io"],
  ["router", "relay", "api", "lab", "sim"],
  ["cli"],
];
const LAST_PURE_LAYER = 3;
/** Layer 4 stands beside layers 2 and 3, not on them: of those it knows only the shapes that it observes and applies. */
const LAYER_4_KNOWS = [/^src\/(addr|wire)\//, /^src\/plan\/kernel-state\.ts$/, /^src\/diff\/change\.ts$/, /^src\/(kernel|io)\//];

/** Packages that pure folders may import; folders above are free to use any dependency but koffi. */
const PURE_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  wire: ["@noble/hashes"],
  machines: ["@noble/hashes", "valibot"],
  config: ["toml-eslint-parser", "valibot", "@valibot/to-json-schema"],
};

const MOST_LINES = 350;
const NAMES_THAT_SAY_NOTHING = /(^|-)(utils?|helpers?|manager|common|base|impl|misc|stuff)(-|\.|$)/;

interface Import {
  readonly file: string;
  readonly specifier: string;
}

const sources = globSync("src/**/*.ts", { cwd: ROOT }).sort();
const product = sources.filter((file) => !/\.(test|fixture)\.ts$/.test(file));
const imports = product.flatMap(importsOf);

test("every file of src/ stands in a folder that has a layer", () => {
  assert.ok(product.length > 50, `only ${product.length} files were found`);
  for (const file of sources) assert.notEqual(layerOf(file), -1, file);
});

test("imports go to the same layer or down, never up", () => {
  const relative = imports.filter(({ specifier }) => specifier.startsWith("."));
  assert.ok(relative.length > 100, `only ${relative.length} imports were found`);
  const upward = relative.filter((each) => layerOf(targetOf(each)) > layerOf(each.file));
  assert.deepEqual(upward.map(words), []);
});

test("the kernel layer knows no machine and no plan, only the shapes it observes and applies", () => {
  const strange = imports.filter(
    (each) => layerOf(each.file) === 4 && each.specifier.startsWith(".") && !LAYER_4_KNOWS.some((known) => known.test(targetOf(each))),
  );
  assert.deepEqual(strange.map(words), []);
});

test("layers 0 to 3 import nothing of Node and only the packages that are named here", () => {
  const impure = imports.filter(({ file, specifier }) => {
    if (layerOf(file) > LAST_PURE_LAYER || specifier.startsWith(".")) return false;
    return !(PURE_PACKAGES[folderOf(file)] ?? []).includes(packageOf(specifier));
  });
  assert.deepEqual(impure.map(words), []);
});

test("only kernel/ makes system calls", () => {
  const callers = imports.filter(({ file, specifier }) => packageOf(specifier) === "koffi" && folderOf(file) !== "kernel");
  assert.deepEqual(callers.map(words), []);
});

test("package.json names exactly the packages that src/ imports", () => {
  const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { dependencies: Record<string, string> };
  const used = new Set(
    imports
      .map(({ specifier }) => specifier)
      .filter((specifier) => !/^(\.|node:)/.test(specifier))
      .map(packageOf),
  );
  assert.deepEqual(Object.keys(manifest.dependencies).sort(), [...used].sort());
});

test("every file begins by saying what it is", () => {
  const silent = product.filter((file) => !readFileSync(join(ROOT, file), "utf8").startsWith("/**"));
  assert.deepEqual(silent, []);
});

test(`no file of src/ has more than ${MOST_LINES} lines`, () => {
  const long = product.map((file) => ({ file, lines: readFileSync(join(ROOT, file), "utf8").split("\n").length - 1 }));
  assert.deepEqual(
    long.filter(({ lines }) => lines > MOST_LINES),
    [],
  );
});

test("file names are in kebab case and say something", () => {
  for (const file of sources) {
    assert.match(file, /^src\/([a-z0-9]+(-[a-z0-9]+)*\/)+[a-z0-9]+(-[a-z0-9]+)*(\.test|\.fixture)?\.ts$/);
    assert.doesNotMatch(basename(file), NAMES_THAT_SAY_NOTHING, file);
  }
});

test("nothing in the project knows where it was written", () => {
  const files = globSync(["{src,test,scripts,bench,bin,docs,packaging,.ci,.github}/**/*.*", "*.md", "*.json"], { cwd: ROOT }).filter(
    (file) => !file.includes("node_modules") && file !== "test/architecture.test.ts",
  );
  assert.ok(files.length > 60, `only ${files.length} files were found`);
  const tied = files.filter((file) => /\/(home|Users|work|mnt|media)\/[a-z]/.test(readFileSync(join(ROOT, file), "utf8")));
  assert.deepEqual(tied, []);
});

const LINTED: readonly { readonly file: string; readonly line: string }[] = [
  { file: "addr", line: 'import "../wire/x.ts";' },
  { file: "wire", line: 'import "../machines/x.ts";' },
  { file: "machines", line: 'import "../plan/x.ts";' },
  { file: "plan", line: 'import "../kernel/x.ts";' },
  { file: "config", line: 'import "node:fs";' },
  { file: "diff", line: 'import "koffi";' },
  { file: "doctor", line: 'import "../sim/x.ts";' },
  { file: "kernel", line: 'import "../plan/x.ts";' },
  { file: "kernel", line: 'import "../router/x.ts";' },
  { file: "io", line: 'import "../machines/x.ts";' },
  { file: "sim", line: 'import "../cli/x.ts";' },
  { file: "router", line: 'import "koffi";' },
  { file: "cli", line: 'import "koffi";' },
  { file: "machines", line: "export const now = Date.now();" },
  { file: "machines", line: "export const luck = Math.random();" },
  { file: "plan", line: "setTimeout(() => {}, 1);" },
  { file: "wire", line: "export const bytes = Buffer.alloc(1);" },
  { file: "diff", line: "process.exitCode = 1;" },
];
const ALLOWED: typeof LINTED = [
  { file: "kernel", line: 'import "koffi";' },
  { file: "kernel", line: 'import "../plan/kernel-state.ts";' },
  { file: "io", line: 'import "../diff/change.ts";' },
  { file: "router", line: 'import "../plan/x.ts";' },
  { file: "sim", line: "export const now = Date.now();" },
];

test("the linter's walls stop what these tests forbid, and nothing else", () => {
  const house = mkdtempSync("/tmp/skylan-walls-");
  try {
    cpSync(join(ROOT, ".oxlintrc.json"), join(house, ".oxlintrc.json"));
    const name = (index: number, { file }: (typeof LINTED)[number]): string => `src/${file}/case-${index}.ts`;
    const cases = [...LINTED, ...ALLOWED];
    for (const [index, each] of cases.entries()) {
      mkdirSync(join(house, dirname(name(index, each))), { recursive: true });
      writeFileSync(join(house, name(index, each)), `${each.line}\n`);
    }
    const { stdout } = spawnSync(join(ROOT, "node_modules/.bin/oxlint"), ["--format=unix", "src"], { cwd: house, encoding: "utf8" });
    const stopped = cases.filter((each, index) =>
      stdout.split("\n").some((line) => line.startsWith(`${name(index, each)}:`) && line.includes("restricted")),
    );
    assert.deepEqual(stopped, LINTED);
  } finally {
    rmSync(house, { recursive: true, force: true });
  }
});

function importsOf(file: string): Import[] {
  const text = readFileSync(join(ROOT, file), "utf8").replace(/\/\*[\s\S]*?\*\//g, "");
  const found = text.matchAll(/^(?:import|export)\b[^;"'`]*?\bfrom\s+"([^"]+)"|^import\s+"([^"]+)"|\bimport\(\s*"([^"]+)"\s*\)/gm);
  return [...found].map((match) => ({ file, specifier: (match[1] ?? match[2] ?? match[3])! }));
}

const folderOf = (file: string): string => file.split("/")[1]!;
const layerOf = (file: string): number => LAYERS.findIndex((folders) => folders.includes(folderOf(file)));
const targetOf = ({ file, specifier }: Import): string => normalize(join(dirname(file), specifier));
const packageOf = (specifier: string): string => specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
const words = ({ file, specifier }: Import): string => `${file} imports ${specifier}`;
