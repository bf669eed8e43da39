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
export type Presence = "online" | "away" | "offline";

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
  capacity: number;
  teams: Team[];
  csrf_token: string;
  /** Organisation-wide rights, such as "staff.manage" or "brake.all". */
  can: string[];
  preferences: Record<string, unknown>;
  public_url: string;
  organisation: string;
  rehearsal: boolean;
}

export interface Staff extends Person {
  email: string;
  role: OrganisationRole;
  presence: Presence;
  languages: string[];
  skills: string[];
  capacity: number;
  teams: Team[];
  seen_at: Time | null;
  disabled_at: Time | null;
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
  alone: string[];
}

export interface Brand {
  id: Id;
  name: string;
  time_zone: string;
  languages: string[];
  signs_with_initials: boolean;
  needs_approval: boolean;
  calendar_id: Id | null;
  default_team_id: Id | null;
  close_after_days: number;
}

export interface AccountBrief {
  id: Id;
  network: string;
  handle: string;
  name: string;
}

export interface Account extends AccountBrief {
  brand: { id: Id; name: string };
  state: "connected" | "needs_reconnect" | "disconnected";
  /** Why it needs attention, in words a person can act on. */
  trouble: string | null;
  avatar_url: string | null;
  base_url: string;
  time_zone: string;
  is_rehearsal: boolean;
  parked_until: Time | null;
  checked_at: Time | null;
  last_read_at: Time | null;
  last_sent_at: Time | null;
  expires_at: Time | null;
  role: AccountRole | null;
  text: Partial<Record<Surface, TextLimit>>;
  media: Partial<Record<Surface, MediaLimit>>;
  /** Price of one post; null where the network charges nothing. */
  cost: { plain: number; with_url: number; currency: string } | null;
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
  snoozed_until: Time | null;
  last_message_at: Time;
  message_count: number;
  claimed_until: Time | null;
  assignee: Person | null;
  team: Team | null;
  labels: Label[];
  /** Nobody here has taken it up yet. */
  unread: boolean;
  language: string | null;
  version: number;
}

export interface Attachment {
  id: Id;
  kind: "image" | "video" | "file";
  /** Served by us; null: only at the network. */
  url: string | null;
  remote_url: string | null;
  name: string;
  mime: string;
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
  kind: string;
  item: number;
  state: DeliveryState;
  account: AccountBrief;
  post_id: Id | null;
  conversation_id: Id | null;
  text: string;
  due_at: Time;
  sent_at: Time | null;
  late_by_seconds: number | null;
  remote_url: string | null;
  reason_code: string | null;
  reason: string | null;
  generation: number;
  withdraw: boolean;
}

/** One line of a conversation: what was said, noted, or done. */
export interface Entry {
  /** Unique in the conversation: "m7", "e12". */
  key: string;
  id: Id;
  kind: "message" | "note" | "event";
  direction: "in" | "out" | null;
  text: string;
  /** Already sanitised by the server; shown as text all the same. */
  html: string | null;
  subject: string | null;
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
  data: Record<string, unknown>;
}

export interface Conversation extends ConversationRow {
  can_reply: boolean;
  /** Why an answer is impossible, or null. */
  cannot_reply_reason: string | null;
  reply_until: Time | null;
  root: { text: string; author: string; at: Time | null; url: string | null; ours: boolean } | null;
  /** Answers in the common thread by other people, each with a conversation of its own. */
  siblings: { conversation_id: Id; customer: CustomerBrief; preview: string }[];
  claim: { by: Person; until: Time | null } | null;
  drafts: Draft[];
  others: Viewer[];
  last_message_id: Id | null;
  previous_id: Id | null;
  merged_into_id: Id | null;
  /** What is put after an answer, as the brand wants it; may be empty. */
  signature: string;
  /** What one may do here, such as "conversation.answer". */
  can: string[];
}

export interface Draft {
  kind: "reply" | "note";
  text: string;
  media_ids: Id[];
  seen_through: Id | null;
  saved_at: Time;
}

export interface Viewer extends Person {
  writing: boolean;
}

export interface Customer extends CustomerBrief {
  identities: { network: string; handle: string; name: string; url: string | null }[];
  note: string;
  language: string;
  is_vip: boolean;
  is_blocked: boolean;
  first_seen_at: Time;
  conversations: ConversationRow[];
}

export interface CannedReply {
  id: Id;
  name: string;
  shortcut: string;
  text: string;
  language: string | null;
  brand: { id: Id; name: string } | null;
}

export interface SavedView {
  id: string;
  name: string;
  builtin: boolean;
  shared: boolean;
  filters: Record<string, unknown>;
  /** Stops at 999; `more` says that there are more. */
  count: number;
  more: boolean;
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
  sha256: string;
}

/** How a post stands on one account; what is null is taken from the common text. */
export interface Variant {
  account_id: Id;
  text: string | null;
  items: string[] | null;
  media_ids: Id[] | null;
  language: string | null;
  subject: string | null;
}

export type PostState = "draft" | "awaiting_approval" | "scheduled" | "sending" | "published" | "partly_failed" | "failed" | "held" | "cancelled" | "needs_human";

export interface Post {
  id: Id;
  brand_id: Id;
  title: string;
  text: string;
  items: string[];
  language: string;
  subject: string;
  media: Media[];
  variants: Variant[];
  state: PostState;
  /** The wall time that was asked for, in `time_zone`. */
  wall_time: string | null;
  time_zone: string;
  due_at: Time | null;
  author: Person;
  approved_by: Person | null;
  rejected_reason: string;
  deliveries: Delivery[];
  version: number;
  created_at: Time;
  updated_at: Time;
}

export interface Preflight {
  accounts: {
    account_id: Id;
    surface: Surface;
    counts: number[];
    max_length: number | null;
    unit: string;
    problems: { name: string; data: Record<string, unknown> }[];
    cost: number;
    currency: string;
  }[];
  due_at: Time | null;
  needs_approval: boolean;
}

export interface Attempt {
  id: Id;
  generation: number;
  state: string;
  started_at: Time;
  ended_at: Time | null;
  http_status: number | null;
  error_code: string;
  error: string;
  evidence: Record<string, unknown>;
}

export type DoubtChoice = "link" | "resend" | "drop" | "retry" | "take_over" | "replay" | "reconnect" | "approve" | "reject";

/** Something that needs a person. */
export interface Doubt {
  id: string;
  kind: "unknown_delivery" | "failed_delivery" | "orphaned_schedule" | "awaiting_approval" | "dead_letter" | "account" | "held";
  title: string;
  text: string;
  since: Time;
  delivery: (Delivery & { attempts: Attempt[] }) | null;
  account: AccountBrief | null;
  post_id: Id | null;
  dead_letter_id: Id | null;
  evidence: Record<string, unknown>[];
  choices: DoubtChoice[];
}

export interface NeedsYou {
  total: number;
  counts: Record<string, number>;
  items: Doubt[];
}

export interface BrakeOne {
  id: Id | null;
  on: boolean;
  posts: boolean;
  answers: boolean;
  scope: "everything" | "brand" | "account";
  scope_id: Id | null;
  since: Time | null;
  by: Person | null;
  reason: string;
}

/** The widest brake that is on, and all of them. */
export interface Brake extends BrakeOne {
  held: number;
  in_flight: number;
  brakes: BrakeOne[];
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
  since: Time;
  until: Time;
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

export interface Condition {
  field: string;
  operator: string;
  value: string | number | boolean | string[] | number[] | null;
}

export interface RuleAction {
  kind: string;
  value: string | number | boolean | null;
}

/** `stops`: no later rule is tried once this one matched. */
export interface Rule {
  id: Id;
  name: string;
  on: boolean;
  position: number;
  brand_id: Id | null;
  stops: boolean;
  conditions: Condition[];
  actions: RuleAction[];
  updated_at: Time;
}

export interface RulePreview {
  tried: number;
  matched: number;
  items: { message_id: Id; conversation_id: Id; text: string; at: Time }[];
}

export interface Grant {
  id: Id;
  staff: Person | null;
  team: Team | null;
  account: AccountBrief | null;
  brand: { id: Id; name: string } | null;
  role: AccountRole;
  ends_at: Time | null;
  created_at: Time;
}

/** RFC 9457. */
export interface Problem {
  type?: string;
  title: string;
  status: number;
  detail?: string;
  code?: string;
  errors?: { field: string; message: string }[];
  [extra: string]: unknown;
}
