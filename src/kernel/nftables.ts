/**
 * nftables by libnftables: JSON in, JSON out, one transaction for each call. The library is loaded when it is first needed, so that its context
 * belongs to the network namespace of that moment. Where it is missing, the nft program does the same work, slower.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import koffi, { type LibraryHandle } from "koffi";
import type { NftObject } from "../wire/nft-json.ts";
import { KernelError } from "./kernel-error.ts";

const NFT_CTX_OUTPUT_JSON = 1 << 4;
/** Names would depend on /etc/protocols. */
const NFT_CTX_OUTPUT_NUMERIC_PROTO = 1 << 7;

/** Runs libnftables JSON commands, each list as one transaction. */
export interface Nftables {
  /** Returns the objects that the commands list. @throws KernelError; then nothing has changed */
  run(commands: readonly NftObject[], change: string): readonly NftObject[];
  /** Gives back its socket and its memory; it must not be used afterwards. */
  close(): void;
}

/** The library where it is installed, else the program. */
export function openNftables(): Nftables {
  return openLibrary() ?? { run: runProgram, close: () => undefined };
}

/** Objects of one table as listed, or undefined when there is no such table. @throws KernelError */
export function listTable(nft: Pick<Nftables, "run">, family: string, name: string): readonly NftObject[] | undefined {
  try {
    return nft.run([{ list: { table: { family, name } } }], `list the table ${family} ${name}`);
  } catch (error) {
    if (error instanceof KernelError && error.errno === "ENOENT") return undefined;
    throw error;
  }
}

/** By the nft program and a file: fed by a pipe it fails. */
export function runProgram(commands: readonly NftObject[], change: string): readonly NftObject[] {
  const folder = mkdtempSync(join(tmpdir(), "skylan-nft-"));
  try {
    const file = join(folder, "commands.json");
    writeFileSync(file, JSON.stringify({ nftables: commands }));
    const { status, stdout, stderr, error } = spawnSync("nft", ["-j", "--numeric-protocol", "-f", file], {
      encoding: "utf8",
      maxBuffer: 1 << 28,
    });
    if (error) throw new KernelError("ENOSYS", change, "neither libnftables.so.1 nor the program nft is installed (apt install nftables)");
    if (status !== 0) throw refusal(stderr, change);
    return parseListing(stdout);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function openLibrary(): Nftables | undefined {
  let library: LibraryHandle;
  try {
    library = koffi.load("libnftables.so.1");
  } catch {
    return undefined;
  }
  const create = library.func("void *nft_ctx_new(uint32_t flags)");
  const free = library.func("void nft_ctx_free(void *context)");
  const setFlags = library.func("void nft_ctx_output_set_flags(void *context, uint32_t flags)");
  const bufferOutput = library.func("int nft_ctx_buffer_output(void *context)");
  const bufferError = library.func("int nft_ctx_buffer_error(void *context)");
  const output = library.func("const char *nft_ctx_get_output_buffer(void *context)") as (context: unknown) => string | null;
  const errors = library.func("const char *nft_ctx_get_error_buffer(void *context)") as (context: unknown) => string | null;
  const runBuffer = library.func("int nft_run_cmd_from_buffer(void *context, const char *commands)") as (
    context: unknown,
    text: string,
  ) => number;
  const context: unknown = create(0);
  setFlags(context, NFT_CTX_OUTPUT_JSON | NFT_CTX_OUTPUT_NUMERIC_PROTO);
  bufferOutput(context);
  bufferError(context);
  return {
    run: (commands, change) => {
      const status = runBuffer(context, JSON.stringify({ nftables: commands }));
      const [listing, complaint] = [output(context) ?? "", errors(context) ?? ""];
      if (status !== 0) throw refusal(complaint, change);
      return parseListing(listing);
    },
    close: () => void free(context),
  };
}

/** nft says why in English; the name of the error is found by the words of strerror. */
const ERRNO_BY_WORDS: Readonly<Record<string, string>> = {
  "Operation not permitted": "EPERM",
  "No such file or directory": "ENOENT",
  "File exists": "EEXIST",
  "Device or resource busy": "EBUSY",
  "Operation not supported": "EOPNOTSUPP",
  "Invalid argument": "EINVAL",
  "No buffer space available": "ENOBUFS",
  "Cannot allocate memory": "ENOMEM",
};

function refusal(complaint: string, change: string): KernelError {
  const line = complaint.split("\n").find((text) => text.includes("Error")) ?? complaint.trim();
  const words = Object.keys(ERRNO_BY_WORDS).find((text) => line.includes(text));
  const errno = words === undefined ? "EINVAL" : ERRNO_BY_WORDS[words]!;
  return errno === "EPERM"
    ? new KernelError(errno, change)
    : new KernelError(errno, change, `nft says: ${line.replace(/^.*?Error: /, "").trim()}`);
}

function parseListing(text: string): readonly NftObject[] {
  if (text.trim() === "") return [];
  const { nftables } = JSON.parse(text) as { readonly nftables?: readonly NftObject[] };
  return nftables ?? [];
}
