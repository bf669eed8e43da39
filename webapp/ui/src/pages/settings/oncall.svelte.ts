/** How what raises an alert, and whom it calls, is said; and who there is to call. */
import { allStaff, allTeams } from "$lib/api/settings";
import type { AlertHook, AlertPolicy } from "$lib/api/types";
import { t } from "$lib/i18n/index.svelte";

export interface Event {
  kind: keyof typeof t.alerts.named;
  minutes?: number;
  count?: number;
}
export type Whom = "staff" | "team" | "rota" | "hook";
export interface Step {
  whom: Whom;
  value: number;
  ways: ("page" | "email")[];
  minutes: number;
}

/** The events in the order in which they are offered, with what they ask for by default. */
export const EVENTS: Event[] = [{ kind: "near", minutes: 10 }, { kind: "broken" }, { kind: "flood", minutes: 5, count: 100 }, { kind: "signed_out" }, { kind: "undecided" }, { kind: "failed" }];

/** Who works here, and their teams; read once. */
export class People {
  staff: { id: number; name: string }[] = $state([]);
  teams: { id: number; name: string }[] = $state([]);

  constructor() {
    void this.#read();
  }
  async #read(): Promise<void> {
    try {
      [this.staff, this.teams] = await Promise.all([allStaff(), allTeams()]);
    } catch {
      // The list says by itself when the server is away; names are then missing.
    }
  }
}

export function sayEvent(event: AlertPolicy["events"][number]): string {
  const { kind, minutes = 0, count = 0 } = event as unknown as Event;
  if (kind === "near") return t.alerts.setup.near(minutes);
  if (kind === "flood") return t.alerts.setup.flood(count, minutes);
  return t.alerts.named[kind];
}

export function sayStep(given: AlertPolicy["steps"][number], people: People, hooks: AlertHook[]): string {
  const step = given as unknown as Step;
  const of = step.whom === "staff" ? people.staff : step.whom === "hook" ? hooks : people.teams;
  const name = of.find((one) => one.id === step.value)?.name ?? "…";
  const ways = step.ways.map((way) => t.alerts.ways[way]).join(", ");
  return t.alerts.setup.stepSaid({ whom: t.alerts.setup.whom[step.whom], name, ways, minutes: step.minutes });
}
