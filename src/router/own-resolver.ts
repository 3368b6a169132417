/** The box is a host too: its own programs ask the resolver of the home, as long as there is one here. */
import type { Json } from "../addr/json.ts";
import {
  type FormerResolver,
  formerResolverFromJson,
  formerResolverToJson,
  pointToUs,
  readResolver,
  RESOLVER_FILE,
  restoreResolver,
} from "../io/resolver-file.ts";
import type { Note } from "../machines/machine.ts";

/** The name of the record in the state directory. */
export const FORMER_RESOLVER = "former-resolver";

export interface OwnResolverOptions {
  readonly zone: string;
  /** What an earlier run has recorded. */
  readonly saved: Json | undefined;
  readonly save: (record: Json) => void;
  readonly forget: () => void;
  readonly note: (note: Note) => void;
}

export class OwnResolver {
  readonly #options: OwnResolverOptions;
  #former: FormerResolver | undefined;
  #isDone = false;

  constructor(options: OwnResolverOptions) {
    this.#options = options;
    this.#former = formerResolverFromJson(options.saved);
  }

  /** Once: makes us the resolver of this box. Who changes that afterwards will have a reason. */
  take(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#attempt(`write it yourself: nameserver 127.0.0.1`, () => {
      const present = readResolver(RESOLVER_FILE);
      if (present) {
        this.#former = present;
        // On disk before the change.
        this.#options.save(formerResolverToJson(present));
      }
      pointToUs(RESOLVER_FILE, this.#options.zone);
      if (present?.kind === "link") {
        const text = `${RESOLVER_FILE} was a link to ${present.target}, and is a file that names this box now; \`skylan down\` puts the link back`;
        this.#options.note({ kind: "note", level: "info", event: "dns.own-resolver", text });
      }
    });
  }

  /** Puts back what was there before us. */
  leave(): void {
    const former = this.#former;
    if (!former) return;
    this.#attempt("put your own resolvers there", () => {
      restoreResolver(RESOLVER_FILE, former);
      this.#options.forget();
    });
    this.#former = undefined;
    this.#isDone = false;
  }

  /** A file system that is read-only must not keep the home from its names. */
  #attempt(remedy: string, action: () => void): void {
    try {
      action();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const text = `${RESOLVER_FILE} can't be changed: ${error.message}. Remedy: ${remedy}`;
      this.#options.note({ kind: "note", level: "warning", event: "dns.own-resolver", text });
    }
  }
}
