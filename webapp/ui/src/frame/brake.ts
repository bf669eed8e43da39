/** What the brake stops, in words, and who may pull or lift it. */
import type { BrakeOne } from "$lib/api/types";
import { t } from "$lib/i18n/index.svelte";
import { session } from "$lib/session.svelte";

type Scope = Pick<BrakeOne, "scope" | "scope_id">;

export function scopeInWords(brake: Scope): string {
  if (brake.scope === "brand") {
    return t.frame.theBrand(session.brands.find((one) => one.id === brake.scope_id)?.name ?? String(brake.scope_id));
  }
  if (brake.scope === "account") return t.frame.theAccount(session.account(brake.scope_id ?? 0)?.handle ?? String(brake.scope_id));
  return t.frame.everything;
}

/** An account's is for who publishes there; brands and everything for administrators. */
export function mayBrake(brake: Scope): boolean {
  if (session.can("brake.all")) return true;
  return brake.scope === "account" && session.accountsAs("publisher").some((one) => one.id === brake.scope_id);
}

/** Every scope that this person may stop. */
export function scopesToPull(): (Scope & { name: string })[] {
  const all = { scope: "everything" as const, scope_id: null, name: t.frame.brakeEverything };
  const brands = session.brands.map((one) => ({ scope: "brand" as const, scope_id: one.id, name: one.name }));
  const accounts = session.accounts.map((one) => ({ scope: "account" as const, scope_id: one.id, name: `${one.handle} · ${t.common.networks[one.network] ?? one.network}` }));
  return [all, ...brands, ...accounts].filter(mayBrake);
}

export const keyOf = (brake: Scope): string => `${brake.scope}:${brake.scope_id ?? ""}`;
