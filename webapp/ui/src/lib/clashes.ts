/** What stands in a post's way, in words: another one too near, the same words, on which account. */
import type { Clash } from "./api/types";
import { t } from "./i18n/index.svelte";
import { preferences } from "./preferences.svelte";
import { session } from "./session.svelte";
import { format } from "./times";

export function sayClash(clash: Clash): string {
  const account = session.account(clash.account_id);
  const when = format(preferences.language, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZone: account?.time_zone }).format(Date.parse(clash.at));
  const figures = { account: account?.handle ?? "", when, minutes: Number(clash.data["minutes"] ?? 0), gap: Number(clash.data["gap"] ?? 0), percent: Number(clash.data["percent"] ?? 0) };
  const more = [clash.data["network_refuses"] ? t.compose.clashes.network : "", clash.refused ? t.compose.clashes.refused : ""];
  return [t.compose.clashes[clash.name](figures), ...more].filter(Boolean).join(" ");
}
