/** What is wrong with a config file, told so that the owner can mend it without reading anything else. */

/** A place in a file. */
export interface Span {
  /** Both count from 1. */
  readonly line: number;
  readonly column: number;
  /** Characters to underline, at least 1. */
  readonly length: number;
}

export interface ConfigProblem extends Span {
  /** What is wrong and what would be right, in one sentence. */
  readonly text: string;
  /** The line of the file with a caret below the place; empty for a problem of the file as a whole. */
  readonly excerpt: string;
}

export class ConfigError extends Error {
  readonly file: string;
  /** In the order of the file. */
  readonly problems: readonly ConfigProblem[];

  constructor(file: string, problems: readonly ConfigProblem[]) {
    super(problems.map((problem) => formatProblem(file, problem)).join("\n"));
    this.name = "ConfigError";
    this.file = file;
    this.problems = problems;
  }

  /** The file as a whole is the problem: it is missing or unreadable. */
  static ofFile(file: string, text: string): ConfigError {
    return new ConfigError(file, [{ line: 0, column: 0, length: 0, text, excerpt: "" }]);
  }
}

/** The line of `text` at `span` with carets below it. */
export function excerptOf(text: string, { line, column, length }: Span): string {
  const content = (text.split(/\r?\n/)[line - 1] ?? "").trimEnd();
  const number = String(line);
  // A tab keeps its width below itself.
  const indent = content.slice(0, column - 1).replace(/[^\t]/g, " ");
  const carets = "^".repeat(Math.max(1, Math.min(length, content.length - column + 1)));
  return `  ${number} | ${content}\n  ${" ".repeat(number.length)} | ${indent}${carets}`;
}

function formatProblem(file: string, { line, column, text, excerpt }: ConfigProblem): string {
  return line === 0 ? `${file}: ${text}` : `${file}:${line}:${column}: ${text}\n${excerpt}`;
}
