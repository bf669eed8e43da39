/** What calls for somebody now, kept current; the band above every page shows what calls this person. */
import { acknowledgeAlert, listAlerts } from "./api/alerts";
import type { Alert } from "./api/types";
import { explain } from "./explain";
import { t } from "./i18n/index.svelte";
import { live } from "./live.svelte";
import { tell } from "./toasts.svelte";

class Alerts {
  open: Alert[] = $state([]);

  async read(): Promise<void> {
    try {
      this.open = (await listAlerts(null, true)).items;
    } catch {
      // It stands as it was last known; the live dot says when the server is away.
    }
  }

  /** Says that one sees to it; true when that is so now. */
  async acknowledge(one: Alert): Promise<boolean> {
    try {
      const after = await acknowledgeAlert(one.id);
      tell(t.alerts.seenTo(after.acknowledged_by?.name ?? ""), { tone: "good" });
      this.open = this.open.filter((other) => other.id !== one.id);
      return true;
    } catch (error) {
      tell(explain(error), { tone: "late" });
      return false;
    }
  }

  follow(): () => void {
    void this.read();
    return live.onSoon(["alert", "rights", "resync"], () => void this.read(), 300);
  }
}

export const alerts = new Alerts();
