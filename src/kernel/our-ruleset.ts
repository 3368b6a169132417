/** Our nft table: looked at cheaply, replaced without an open moment. */
import type { Ruleset } from "../plan/kernel-state.ts";

import { decodeAttributes, NLM_F_REQUEST } from "../wire/netlink.ts";
import { canonicalRuleset, type NftObject } from "../wire/nft-json.ts";
import { NETLINK_NETFILTER, NetlinkSocket } from "./netlink-socket.ts";
import { LOAD_RULESET } from "./kernel-error.ts";
import { listTable, type Nftables, openNftables } from "./nftables.ts";
import { elementChanges } from "./ruleset-elements.ts";

const FAMILY = "inet";
const TABLE = "skylan";
const OURS: NftObject = { table: { family: FAMILY, name: TABLE } };

const NFT_MSG_NEWGEN = (10 << 8) | 15;
const NFT_MSG_GETGEN = (10 << 8) | 16;
const NFTA_GEN_ID = 1;

export class OurRuleset {
  #nft: Nftables | undefined;
  #netfilter: NetlinkSocket | undefined;
  #seen: { readonly generation: number; readonly ruleset: Ruleset | undefined } | undefined;
  /** What was loaded last, and the generation that this made. */
  #loaded: { readonly generation: number; readonly ruleset: Ruleset } | undefined;
  /** Versions of libnftables list the same rules differently: what was loaded, and how it is listed. */
  #spelling: { readonly loaded: Ruleset; readonly listed: string } | undefined;

  /** The table as it is now; listed again only when the kernel's rules have changed at all. @throws KernelError */
  observe(): Ruleset | undefined {
    const generation = this.#generation();
    if (this.#seen?.generation !== generation) this.#seen = { generation, ruleset: this.#recognise(this.#list(), generation) };
    return this.#seen.ruleset;
  }

  /** Makes the table `to`, in one transaction; if elements of sets are the only difference, only they change. @throws KernelError */
  apply(from: Ruleset | undefined, to: Ruleset | undefined): void {
    const change = to === undefined ? "remove the firewall table inet skylan" : LOAD_RULESET;
    const before = this.#generation();
    const elements = from && to && elementChanges(from, to);
    if (!elements || !this.#tries(elements, change)) this.#run(replacement(to), change);
    const generation = this.#generation();
    this.#spelling = undefined;
    this.#loaded = to && generation === before + 1 ? { generation, ruleset: to } : undefined;
  }

  /** Every rule of this network namespace, others' too, as libnftables lists them. @throws KernelError */
  listAll(): readonly NftObject[] {
    return this.#run([{ list: { ruleset: null } }], "list all firewall rules");
  }

  close(): void {
    this.#netfilter?.close();
    this.#nft?.close();
    this.#nft = undefined;
  }

  #tries(commands: readonly NftObject[], change: string): boolean {
    try {
      this.#run(commands, change);
      return true;
    } catch {
      return false;
    }
  }

  #run(commands: readonly NftObject[], change: string): readonly NftObject[] {
    this.#nft ??= openNftables();
    return this.#nft.run(commands, change);
  }

  #list(): Ruleset | undefined {
    this.#nft ??= openNftables();
    const listing = listTable(this.#nft, FAMILY, TABLE);
    return listing && canonicalRuleset(listing);
  }

  /** The rules that we loaded, when these are the same in another spelling. */
  #recognise(ruleset: Ruleset | undefined, generation: number): Ruleset | undefined {
    if (ruleset === undefined) return undefined;
    const listed = JSON.stringify(ruleset);
    if (this.#loaded?.generation === generation) this.#spelling = { loaded: this.#loaded.ruleset, listed };
    return this.#spelling?.listed === listed ? this.#spelling.loaded : ruleset;
  }

  /** A number that every change of any rule in this network namespace increases. */
  #generation(): number {
    this.#netfilter ??= new NetlinkSocket(NETLINK_NETFILTER);
    const answer = this.#netfilter.ask(
      (writer, sequence) => writer.begin(NFT_MSG_GETGEN, NLM_F_REQUEST, sequence).uint32(0).end(),
      "ask for the state of the firewall",
    );
    const payload = answer.find((message) => message.type === NFT_MSG_NEWGEN)?.payload;
    const id = payload && decodeAttributes(payload, 4).get(NFTA_GEN_ID);
    return id ? new DataView(id.buffer, id.byteOffset).getUint32(0) : -1;
  }
}

/**
 * The whole table anew, chains before the rules that jump to them. Adding it first makes deleting it succeed; packets see the old rules until the new
 * ones are complete.
 */
function replacement(to: Ruleset | undefined): NftObject[] {
  const commands: NftObject[] = [{ add: OURS }, { delete: OURS }];
  return to ? [...commands, ...canonicalRuleset(to).map((object) => ({ add: object }))] : commands;
}
