/** An event of a conversation in words. Ids in its particulars are named from the session's lists. */
import type { Entry } from "$lib/api/types";
import { t } from "$lib/i18n/index.svelte";
import { preferences } from "$lib/preferences.svelte";
import { session } from "$lib/session.svelte";
import { format } from "$lib/times";
import { macros } from "./macros.svelte";

const text = (value: unknown): string => (typeof value === "string" || typeof value === "number" ? String(value) : "");

function nameOf(data: Record<string, unknown>, prefix: string): string {
  const person = session.staff.find((one) => one.id === data[`${prefix}staff_id`]);
  const team = session.teams.find((one) => one.id === data[`${prefix}team_id`]);
  return person?.name ?? team?.name ?? t.common.nobody;
}

function labelNames(value: unknown): string {
  if (!Array.isArray(value)) return "";
  return value.map((one) => session.labels.find((label) => label.id === one)?.name ?? text(one)).join(", ");
}

/** Events keep a priority as its number. */
const PRIORITIES = ["low", "normal", "high", "urgent"] as const;

/** What messages, labels and assignments beside them tell already. */
const TOLD_ELSEWHERE = new Set(["created", "rules", "reply_failed", "reply_bounced", "reply_in_doubt", "edited", "deleted", "moderated", "owner_changed"]);

export const isQuiet = (entry: Entry): boolean =>
  entry.kind === "event" && (TOLD_ELSEWHERE.has(entry.event ?? "") || (entry.event === "reply_taken_back" && entry.data["what"] === "undo"));

/** The other conversation that an event is about, by its number. */
export function otherOf(entry: Entry): number | null {
  const { data } = entry;
  const named = { merged_into: data["into"], merged_from: data["of"], merge_undone: data["of"], split_off: data["to"], split_from: data["of"], linked: data["other"], unlinked: data["other"] }[entry.event ?? ""];
  return typeof named === "number" ? named : null;
}

/** What is said of an event, by its kind; the words for `who` are the author's name or ours. */
export function describeEvent(entry: Entry): string {
  const who = entry.staff?.name || entry.author || t.inbox.system;
  const { data } = entry;
  const words = t.inbox.events;
  switch (entry.event) {
    case "reopened":
      return data["by_customer"] ? words.wrote_again : words.reopened(who);
    case "claimed":
    case "released":
    case "spam":
    case "merged_into":
    case "merged_from":
    case "merge_undone":
    case "erased":
    case "split_off":
    case "split_from":
    case "unlinked":
    case "waiting_internal":
    case "reply_taken_back":
    case "answer_called_off":
    case "answer_hastened":
    case "pooled":
    case "pool_left":
    case "held_for_review":
    case "let_through":
    case "answer_approved":
    case "answer_reworded":
    case "answer_rejected":
    case "rush_ended":
      return words[entry.event](who);
    case "awaited_came":
    case "awaited_in_vain":
    case "side_failed":
    case "side_in_doubt":
    case "side_received":
      return t.sides.events[entry.event];
    case "side_opened":
      return t.sides.events.side_opened(who);
    case "pool_returned":
    case "pool_first_call":
    case "owner_left":
    case "lease_expired":
    case "woke":
    case "closed":
    case "forgotten":
    case "reply_delayed":
    case "answer_held_back":
    case "rush_began":
    case "hidden":
    case "unhidden":
      return words[entry.event];
    case "assigned":
      if (entry.staff && data["to_staff_id"] === entry.staff.id) return words.took_over(who);
      return words.assigned(who, text(data["to_staff"]) || text(data["to_team"]) || nameOf(data, "to_"));
    case "owner":
      return words.owner(nameOf(data, ""));
    case "labels": {
      const added = labelNames(data["added"]);
      const removed = labelNames(data["removed"]);
      return [added && words.labelled(who, added), removed && words.unlabelled(who, removed)].filter(Boolean).join(". ");
    }
    case "field": {
      const name = text(data["field"]) || t.fields.aField;
      const to = Array.isArray(data["to"]) ? data["to"].map((one) => (data["field_kind"] === "yes_no" ? t.fields[one === "yes" ? "yes" : "no"] : text(one))).join(", ") : "";
      if (data["does"] === "cleared") return t.fields.cleared({ who, name });
      return to ? t.fields.set({ who, name, to }) : t.fields.filled({ who, name });
    }
    case "macro":
      return t.macros.event({ who, name: macros.nameOf(data["macro_id"]) });
    case "macro_undone":
      return t.macros.eventUndone({ who, name: macros.nameOf(data["macro_id"]) });
    case "answer_moved":
      return words.answer_moved(who, format(preferences.language, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }).format(Date.parse(text(data["at"])) || 0));
    case "priority":
      return words.priority(who, t.inbox.priorities[PRIORITIES[Number(data["to"])] ?? "normal"]);
    case "linked":
      return words.linked(who, t.inbox.linkKinds[data["link"] === "parent" || data["link"] === "child" ? data["link"] : "related"]);
    case "snoozed":
      if (!data["until"]) return words.snoozedForGood(who);
      return words.snoozed(who, format(preferences.language, { weekday: "short", hour: "2-digit", minute: "2-digit" }).format(Date.parse(text(data["until"])) || 0));
    case "resolved":
      return data["how"] === "not_needed" ? words.not_needed(who) : data["how"] === "" || data["how"] === "unanswered" ? words.unanswered(who) : words.resolved(who);
    case "promise_step":
      return data["is_late"] ? words.promiseBroken : words.promiseNear(Number(data["percent"]));
    case "rule_in_time": {
      const since = (t.settings.rules.sinceSaid as Record<string, string>)[text(data["since"])] ?? "";
      return words.ruleInTime({ rule: Number(data["rule_id"]), since });
    }
    case "routed":
    case "rule":
      return words.routed(text(data["rule"]) || t.inbox.aRule);
    default:
      return words.other(who, (entry.event ?? "").replaceAll("_", " "));
  }
}
