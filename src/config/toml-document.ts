/** TOML as plain values, with the place of each key and value in the file. */
import { type AST, ParseError, parseTOML } from "toml-eslint-parser";
import type { Span } from "./config-error.ts";

/** Keys from the root to a value; array elements by their index. */
export type Path = readonly (string | number)[];

export interface TomlDocument {
  readonly root: Readonly<Record<string, unknown>>;
  /** Where the key stands; for a table, its header. Undefined for what is not in the file. */
  keyAt(path: Path): Span | undefined;
  valueAt(path: Path): Span | undefined;
}

/** The text is no TOML. */
export class TomlSyntaxError extends Error {
  readonly span: Span;

  constructor(message: string, span: Span) {
    super(message);
    this.name = "TomlSyntaxError";
    this.span = span;
  }
}

/** @throws TomlSyntaxError at the first place that is no TOML. */
export function parseToml(text: string): TomlDocument {
  const [table] = parse(text).body;
  const reader = new TomlReader();
  for (const node of table.body) reader.read(node);
  return reader;
}

function parse(text: string): AST.TOMLProgram {
  try {
    return parseTOML(text, { tomlVersion: "1.0" });
  } catch (error) {
    if (error instanceof ParseError)
      throw new TomlSyntaxError(error.message, { line: error.lineNumber, column: error.column + 1, length: 1 });
    throw error;
  }
}

type Table = Record<string | number, unknown>;

class TomlReader implements TomlDocument {
  readonly root: Record<string, unknown> = emptyTable();
  readonly #keys = new Map<string, Span>();
  readonly #values = new Map<string, Span>();

  keyAt(path: Path): Span | undefined {
    return this.#keys.get(JSON.stringify(path));
  }

  valueAt(path: Path): Span | undefined {
    return this.#values.get(JSON.stringify(path));
  }

  read(node: AST.TOMLTable | AST.TOMLKeyValue): void {
    if (node.type === "TOMLKeyValue") return this.#readKeyValue(node, []);
    this.#open(node.resolvedKey, node.key);
    for (const child of node.body) this.#readKeyValue(child, node.resolvedKey);
  }

  #readKeyValue(node: AST.TOMLKeyValue, at: Path): void {
    const path = [...at, ...node.key.keys.map(nameOf)];
    const table = this.#open(path.slice(0, -1), node.key);
    this.#keys.set(JSON.stringify(path), spanOf(node.key));
    table[path.at(-1)!] = this.#readContent(node.value, path);
  }

  #readContent(node: AST.TOMLContentNode, path: Path): unknown {
    this.#values.set(JSON.stringify(path), spanOf(node));
    switch (node.type) {
      case "TOMLValue":
        return node.value;
      case "TOMLArray":
        return node.elements.map((element, index) => this.#readContent(element, [...path, index]));
      case "TOMLInlineTable": {
        this.#open(path, node);
        for (const child of node.body) this.#readKeyValue(child, path);
        return this.#open(path, node);
      }
    }
  }

  /** The table at `path`; it and those above it are made where they are missing. */
  #open(path: Path, node: AST.TOMLNode): Table {
    let table: Table = this.root;
    path.forEach((key, depth) => {
      const here = JSON.stringify(path.slice(0, depth + 1));
      if (!this.#keys.has(here)) this.#keys.set(here, spanOf(node));
      table[key] ??= typeof path[depth + 1] === "number" ? [] : emptyTable();
      table = table[key] as Table;
    });
    return table;
  }
}

/** Without a prototype: a key may have any name. */
const emptyTable = (): Record<string, unknown> => Object.create(null) as Record<string, unknown>;

const nameOf = (key: AST.TOMLBare | AST.TOMLQuoted): string => (key.type === "TOMLBare" ? key.name : key.value);

function spanOf({ loc, range }: AST.TOMLNode): Span {
  return { line: loc.start.line, column: loc.start.column + 1, length: range[1] - range[0] };
}
