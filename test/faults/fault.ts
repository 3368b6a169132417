/** A deliberate fault: one small change to the source that a test must notice. */
export interface Fault {
  /** The row of docs/conformance.md that the fault breaks. */
  readonly row: string;
  /** What is wrong now, in a few words. */
  readonly breaks: string;
  /** The source file, from the root of the project. */
  readonly file: string;
  /** This text, which stands in the file exactly once, ... */
  readonly find: string;
  /** ... becomes this one. */
  readonly replace: string;
  /** The test that must fail: its file and words of its title. */
  readonly test: { readonly file: string; readonly name: string };
}
