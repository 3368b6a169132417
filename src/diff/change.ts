/** One step from the observed kernel state to the desired one. */
import type { AddressState, RouteState, Ruleset } from "../plan/kernel-state.ts";

export type Change =
  | { readonly kind: "link-up"; readonly interface: string }
  /** Only when leaving for good, for a link that was down before. */
  | { readonly kind: "link-down"; readonly interface: string }
  | { readonly kind: "sysctl"; readonly path: string; readonly from: string | undefined; readonly to: string }
  | { readonly kind: "ruleset"; readonly from: Ruleset | undefined; readonly to: Ruleset | undefined }
  | { readonly kind: "address-add"; readonly address: AddressState }
  /** Lifetimes only: never deletes and adds again. */
  | { readonly kind: "address-update"; readonly address: AddressState; readonly from: AddressState }
  | { readonly kind: "address-delete"; readonly address: AddressState }
  | { readonly kind: "route-add"; readonly route: RouteState }
  | { readonly kind: "route-update"; readonly route: RouteState; readonly from: RouteState }
  | { readonly kind: "route-delete"; readonly route: RouteState };
