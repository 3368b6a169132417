/** Something that the owner should know as long as it lasts: what could not be done, and what would help. */
export interface Notice {
  /** Stable dotted name, e.g. "delegation.too-small". */
  readonly name: string;
  readonly text: string;
  readonly remedy: string;
}
