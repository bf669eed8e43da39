/** Choices for what a brake holds: one for each group of what is alike, and those that single ones have of their own. */
import type { BrakeOrder, Delivery, HeldChoice, HeldGroup, Stopped } from "$lib/api/types";
import { instantOf } from "$lib/times";

export type Choice = HeldChoice["choice"];
export const keyOfGroup = (group: HeldGroup): string => `${group.account.id}:${group.answers}:${group.lateness}`;

export class HeldChoices {
  stopped: Stopped | null = $state(null);
  groups: Record<string, Choice> = $state({});
  single: Record<number, Choice> = $state({});
  /** Wall times, by group and by single delivery. */
  groupTimes: Record<string, string> = $state({});
  times: Record<number, string> = $state({});

  /** What is held now. A group that is another than was shown needs its choice anew. */
  take(found: Stopped | null): void {
    const shown = new Map((this.stopped?.groups ?? []).map((group) => [keyOfGroup(group), group]));
    for (const group of found?.groups ?? []) {
      const before = shown.get(keyOfGroup(group));
      if (before?.count !== group.count || before.last_due_at !== group.last_due_at) delete this.groups[keyOfGroup(group)];
    }
    this.stopped = found;
  }

  /** Those of a group that are listed one by one: at most 500 are, in all. */
  members(group: HeldGroup): Delivery[] {
    const [first, last] = [Date.parse(group.first_due_at), Date.parse(group.last_due_at)];
    return (this.stopped?.held ?? []).filter((one) => {
      const due = Date.parse(one.due_at);
      return one.account.id === group.account.id && (one.conversation_id !== null) === group.answers && due >= first && due <= last;
    });
  }

  /** What is chosen for one: its own choice, or its group's. */
  of(one: Delivery, group: HeldGroup): Choice | undefined {
    return this.single[one.id] ?? this.groups[keyOfGroup(group)];
  }

  /** A choice for a whole group takes the place of those that its members had. */
  choose(group: HeldGroup, choice: Choice): void {
    this.groups[keyOfGroup(group)] = choice;
    for (const one of this.members(group)) delete this.single[one.id];
  }

  chooseAll(choice: Choice): void {
    for (const group of this.stopped?.groups ?? []) if (choice !== "reschedule" || !group.answers) this.choose(group, choice);
  }

  /** How many have this choice; undefined: none yet. */
  count(choice: Choice | undefined): number {
    return (this.stopped?.groups ?? []).reduce((sum, group) => {
      const own = this.members(group).filter((one) => this.single[one.id]);
      const theirs = this.groups[keyOfGroup(group)] === choice ? group.count - own.length : 0;
      return sum + theirs + own.filter((one) => this.single[one.id] === choice).length;
    }, 0);
  }

  /** What the server is told; `fallback` is the wall time where none was typed. */
  order(zone: string, fallback: string): Pick<BrakeOrder, "choices" | "groups"> {
    const at = (wall: string | undefined): string => new Date(instantOf(zone, wall ?? fallback)).toISOString();
    const groups = (this.stopped?.groups ?? []).flatMap((group) => {
      const choice = this.groups[keyOfGroup(group)];
      if (!choice) return [];
      const { account, answers, first_due_at: since, last_due_at: until } = group;
      return [{ account_id: account.id, answers, since, until, choice, due_at: choice === "reschedule" ? at(this.groupTimes[keyOfGroup(group)]) : null }];
    });
    const held = (this.stopped?.held ?? []).filter((one) => this.single[one.id]);
    const choices = held.map((one) => {
      const choice = this.single[one.id] as Choice;
      return { delivery_id: one.id, choice, due_at: choice === "reschedule" ? at(this.times[one.id]) : null };
    });
    return { choices, groups };
  }

  /** Every new time that was chosen, as moments. */
  moments(zone: string, fallback: string): number[] {
    const { choices, groups } = this.order(zone, fallback);
    return [...choices, ...groups].flatMap((one) => (one.due_at ? [Date.parse(one.due_at)] : []));
  }
}
