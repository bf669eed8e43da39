/** What the brake stops, in words. */
import type { Brake } from "$lib/api/types";
import { t } from "$lib/i18n/index.svelte";
import { session } from "$lib/session.svelte";

export function scopeInWords(brake: Pick<Brake, "scope" | "scope_id">): string {
  if (brake.scope === "brand") {
    return t.frame.theBrand(session.brands.find((one) => one.id === brake.scope_id)?.name ?? String(brake.scope_id));
  }
  if (brake.scope === "account") return t.frame.theAccount(session.account(brake.scope_id ?? 0)?.handle ?? String(brake.scope_id));
  return t.frame.everything;
}
