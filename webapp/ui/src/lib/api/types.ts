/**
 * The words of the API as the pages use them. Times are RFC 3339 strings with an offset.
 * Where the generated schema has the same shape these become aliases of it.
 */

export type Id = number;
export type Time = string;

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

/* ---------------------------------------------------------------- people and rights */

export type OrganisationRole = "member" | "team_lead" | "administrator" | "owner";
export type AccountRole = "viewer" | "agent" | "author" | "publisher" | "manager";
export type Presence = "available" | "busy" | "away";

export interface Person {
  id: Id;
  name: string;
  initials: string;
}

export interface Me extends Person {
  email: string;
  role: OrganisationRole;
  language: "en" | "fr";
  time_zone: string;
  presence: Presence;
  csrf_token: string;
  /** Organisation-wide acts this person may do, such as "staff.edit" or "brake.pull". */
  can: string[];
  organisation: string;
  rehearsal: boolean;
}

export interface Staff extends Person {
  email: string;
  role: OrganisationRole;
  presence: Presence;
  disabled_at: Time | null;
  teams: Team[];
}

export interface Team {
  id: Id;
  name: string;
}

/* ---------------------------------------------------------------- accounts */

export type Surface = "public" | "direct" | "mail";
export type CountUnit = "character" | "weighted" | "grapheme" | "unlimited";

export interface TextLimit {
  max_length: number | null;
  unit: CountUnit;
  url_length: number | null;
  max_bytes: number | null;
  mention_local_only: boolean;
}

export interface MediaLimit {
  max_count: number;
  max_bytes: Record<string, number>;
  alt_max: number;
}

export interface Brand {
  id: Id;
  name: string;
  time_zone: string;
  languages: string[];
  approval: boolean;
}

export interface AccountBrief {
  id: Id;
  network: string;
  handle: string;
  name: string;
}

export interface Account extends AccountBrief {
  brand: { id: Id; name: string };
  state: "connected" | "needs_attention" | "disconnected";
  /** Why it needs attention, in words a person can act on. */
  trouble: string | null;
  last_read_at: Time | null;
  last_sent_at: Time | null;
  expires_at: Time | null;
  role: AccountRole | null;
  text: Partial<Record<Surface, TextLimit>>;
  media: Partial<Record<Surface, MediaLimit>>;
  /** Price of one post, in US cents; null where the network charges nothing. */
  cost: { plain: number; with_url: number } | null;
}

/* ---------------------------------------------------------------- inbox */

export type ConversationState =
  | "new"
  | "open"
  | "waiting_customer"
  | "waiting_internal"
  | "snoozed"
  | "resolved"
  | "closed"
  | "spam";
export type Priority = "urgent" | "high" | "normal" | "low";

export interface Label {
  id: Id;
  name: string;
  colour: string;
}

export interface CustomerBrief {
  id: Id;
  name: string;
  handle: string;
}

export interface ConversationRow {
  id: Id;
  account: AccountBrief;
  customer: CustomerBrief;
  surface: Surface;
  subject: string | null;
  preview: string;
  state: ConversationState;
  priority: Priority;
  /** Start of the open wait; null when nobody waits. */
  waiting_since: Time | null;
  due_at: Time | null;
  snoozed_until: Time | null;
  last_message_at: Time;
  assignee: Person | null;
  team: Team | null;
  labels: Label[];
  unread: boolean;
  language: string | null;
  version: number;
}

export interface Attachment {
  id: Id;
  kind: "image" | "video" | "file";
  url: string;
  name: string;
  alt: string;
  size: number;
}

export type DeliveryState =
  | "awaiting_approval"
  | "scheduled"
  | "due"
  | "claimed"
  | "sending"
  | "published"
  | "blocked"
  | "held"
  | "cancelled"
  | "failed"
  | "unknown"
  | "reconciling"
  | "needs_human";

export interface Delivery {
  id: Id;
  state: DeliveryState;
  remote_url: string | null;
  reason: string | null;
  account: AccountBrief;
  due_at: Time | null;
  sent_at: Time | null;
  late_by_seconds: number | null;
}

/** One line of a conversation: what was said, noted, or done. */
export interface Entry {
  id: Id;
  kind: "message" | "note" | "event";
  direction: "in" | "out" | null;
  text: string;
  author: string;
  staff: Person | null;
  at: Time;
  remote_url: string | null;
  attachments: Attachment[];
  edited_at: Time | null;
  deleted_at: Time | null;
  /** Earlier texts of an edited message, oldest first. */
  versions: { text: string; at: Time }[];
  delivery: Delivery | null;
  /** For events: what happened ("claimed", "assigned", "resolved", …) and its particulars. */
  event: string | null;
  data: Record<string, string>;
}

export interface Conversation extends ConversationRow {
  can_reply: boolean;
  /** Why an answer is impossible, or null. */
  cannot_reply_reason: string | null;
  reply_until: Time | null;
  root: { text: string; author: string; at: Time; url: string | null; ours: boolean } | null;
  /** Answers in the common thread by other people, each with a conversation of its own. */
  siblings: { conversation_id: Id; customer: CustomerBrief; preview: string }[];
  claim: { by: Person; until: Time } | null;
  draft: Draft | null;
  others: Viewer[];
}

export interface Draft {
  kind: "reply" | "note";
  text: string;
  saved_at: Time;
}

export interface Viewer extends Person {
  writing: boolean;
}

export interface Customer extends CustomerBrief {
  identities: { network: string; handle: string; name: string; url: string | null; followers: number | null }[];
  note: string;
  first_seen_at: Time;
  conversations: ConversationRow[];
}

export interface CannedReply {
  id: Id;
  name: string;
  text: string;
  language: string | null;
  brand: { id: Id; name: string } | null;
}

export interface SavedView {
  id: string;
  count: number;
}

/* ---------------------------------------------------------------- publishing */

export interface Media {
  id: Id;
  url: string;
  name: string;
  mime: string;
  size: number;
  width: number | null;
  height: number | null;
  alt: string;
}

export interface Variant {
  account_id: Id;
  /** null: the common text. */
  text: string | null;
  media_ids: Id[] | null;
}

export type PostState = "draft" | "awaiting_approval" | "scheduled" | "sending" | "published" | "partly_failed" | "failed" | "held" | "cancelled" | "needs_human";

export interface Post {
  id: Id;
  brand_id: Id;
  text: string;
  media: Media[];
  variants: Variant[];
  state: PostState;
  /** The wall time that was asked for, in `time_zone`. */
  wall_time: string | null;
  time_zone: string | null;
  due_at: Time | null;
  author: Person;
  deliveries: Delivery[];
  version: number;
}

export interface Doubt {
  id: Id;
  kind: "unknown_delivery" | "orphaned_schedule" | "dead_letter" | "account" | "held";
  title: string;
  since: Time;
  delivery: Delivery | null;
  text: string;
  evidence: { at: Time; what: string; url: string | null }[];
  choices: ("link" | "send_again" | "drop" | "take_over" | "retry")[];
}

export interface Brake {
  on: boolean;
  answers: boolean;
  scope: "everything" | "brand" | "account";
  scope_id: Id | null;
  since: Time | null;
  by: Person | null;
  reason: string;
  held: number;
  in_flight: number;
}

/* ---------------------------------------------------------------- numbers */

export interface Percentile {
  seconds: number | null;
  /** True when the value is only known to be beyond `seconds`. */
  more_than: boolean;
}

export interface WaitsNow {
  as_of: Time;
  waiting: number;
  oldest_since: Time | null;
  late: number;
  by_account: { account: AccountBrief; waiting: number; oldest_since: Time | null }[];
}

export interface ResponseRow {
  key: string;
  name: string;
  count: number;
  still_waiting: number;
  closed_unanswered: number;
  p50: Percentile;
  p90: Percentile;
}

export interface Responses {
  as_of: Time;
  by: "day" | "account" | "agent";
  total: ResponseRow;
  previous: ResponseRow | null;
  rows: ResponseRow[];
}

export interface Wait {
  id: Id;
  conversation: { id: Id; customer: CustomerBrief; account: AccountBrief; preview: string };
  started_at: Time;
  ended_at: Time | null;
  end_kind: string | null;
  answered_by: Person | null;
  seconds: number;
}

/* ---------------------------------------------------------------- triage */

export interface Rule {
  id: Id;
  name: string;
  on: boolean;
  position: number;
  match: "first" | "all";
  conditions: { field: string; operator: string; value: string }[];
  actions: { kind: string; value: string }[];
}

export interface Grant {
  id: Id;
  staff: Person | null;
  team: Team | null;
  account: AccountBrief | null;
  brand: { id: Id; name: string } | null;
  role: AccountRole;
  ends_on: string | null;
}

/** RFC 9457. */
export interface Problem {
  type?: string;
  title: string;
  status: number;
  detail?: string;
  errors?: { field: string; message: string }[];
  [extra: string]: unknown;
}
