/** Calls of the inbox. Pages call these, never `api` itself, so that a path stands in one place. */
import { address, api, type Query } from "./client";
import type {
  Conversation,
  ConversationRow,
  Customer,
  CustomerBrief,
  Draft,
  Entry,
  Id,
  Label,
  Link,
  MailPictures,
  Page,
  Readers,
  SavedView,
  SideConversation,
  SideConversations,
  SideMessageNew,
  SideNew,
  Viewer, Topic } from "./types";

const at = (id: Id, rest = ""): string => `/conversations/${id}${rest}`;

export const listConversations = (query: Query, signal?: AbortSignal): Promise<Page<ConversationRow>> =>
  api.get("/conversations", query, signal);
export const getConversation = (id: Id, signal?: AbortSignal): Promise<Conversation> =>
  api.get(at(id), {}, signal);
export const listEntries = (id: Id, cursor: string | null, signal?: AbortSignal): Promise<Page<Entry>> =>
  api.get(at(id, "/messages"), { cursor }, signal);
export const keepView = (view: { name: string; filters: Record<string, unknown>; shared: boolean }): Promise<SavedView> => api.post("/views", view);
export const removeView = (id: string): Promise<void> => api.remove(`/views/${id}`);

/** A wall time in a zone ("2026-11-23T09:00", "Europe/Paris"). */
export interface Later {
  wall_time: string;
  time_zone: string;
}

export interface Answer {
  text: string;
  /** The newest message its author had seen: a reply ends only what was read. */
  seen_through: Id | null;
  close: boolean;
  media_ids?: Id[];
  message_id?: Id | null;
  /** For how long it can be taken back. */
  undo_seconds?: number;
  later?: Later | null;
}

export const reply = (id: Id, answer: Answer, key: string): Promise<Entry> =>
  api.post(at(id, "/reply"), answer, key);
const answered = (id: Id, message: Id, act: string): string => at(id, `/answers/${message}/${act}`);
export const takeBack = (id: Id, message: Id): Promise<Draft> => api.post(answered(id, message, "take-back"));
export const callOff = (id: Id, message: Id): Promise<Entry> => api.post(answered(id, message, "cancel"));
export const sendNow = (id: Id, message: Id, seen_through: Id): Promise<Entry> => api.post(answered(id, message, "send-now"), { seen_through });
export const moveAnswer = (id: Id, message: Id, later: Later): Promise<Entry> => api.post(answered(id, message, "move"), { later });
/** The page with a mail as it looks, for a frame. */
export const formattedAt = (id: Id, message: Id): string => address(at(id, `/messages/${message}/formatted`));
export const listPictures = (id: Id, message: Id, signal: AbortSignal): Promise<MailPictures> => api.get(at(id, `/messages/${message}/pictures`), {}, signal);
/** A public message with the personal data that is covered elsewhere; the audit log keeps who looked. */
export const showMessage = (id: Id, message: Id): Promise<Entry> => api.post(at(id, `/messages/${message}/show`));
export const approveAnswer = (id: Id, message: Id, said: { content_hash: string; seen_through: Id; text: string | null; reject_others: boolean }): Promise<Entry> => api.post(answered(id, message, "approve"), said);
export const rejectAnswer = (id: Id, message: Id, reason: string): Promise<Entry> => api.post(answered(id, message, "reject"), { reason });
export type Act = "like" | "unlike" | "hide" | "unhide";
/** Does something with a customer's message at its network; the entry tells how that stands. */
export const actOn = (id: Id, message: Id, act: Act): Promise<Entry> => api.post(at(id, `/messages/${message}/${act}`));
export const putInPool = (id: Id, topic_id: Id | null): Promise<Conversation> => api.post(at(id, "/pool"), { topic_id });
export const note = (id: Id, note: { text: string; media_ids: Id[] }, key: string): Promise<Entry> =>
  api.post(at(id, "/note"), note, key);

export const claim = (id: Id): Promise<ConversationRow> => api.post(at(id, "/claim"));
/** Claims what is next in a team's queue; null: there is nothing for whoever asks. */
export const takeNext = (team: Id): Promise<{ conversation: ConversationRow | null }> => api.post(`/teams/${team}/next`);
export const release = (id: Id): Promise<ConversationRow> => api.post(at(id, "/release"));
export const assign = (id: Id, to: { staff_id?: Id | null; team_id?: Id | null }): Promise<ConversationRow> =>
  api.post(at(id, "/assign"), to);
export const snooze = (id: Id, until: string | null): Promise<ConversationRow> => api.post(at(id, "/snooze"), { until });
export const resolve = (id: Id, outcome: "answered" | "not_needed" | "unanswered" | null): Promise<ConversationRow> =>
  api.post(at(id, "/resolve"), { outcome });
export const reopen = (id: Id): Promise<ConversationRow> => api.post(at(id, "/reopen"));
export const endRush = (id: Id): Promise<Conversation> => api.post(at(id, "/end-rush"));
export const markSpam = (id: Id): Promise<ConversationRow> => api.post(at(id, "/spam"));
export const follow = (id: Id): Promise<ConversationRow> => api.post(at(id, "/follow"));
export const unfollow = (id: Id): Promise<ConversationRow> => api.post(at(id, "/unfollow"));
export const listReaders = (id: Id): Promise<Readers> => api.get(at(id, "/readers"));
export const waitInternally = (id: Id, whom: { awaits?: string; staff_id?: Id | null; remind_at?: string | null }): Promise<ConversationRow> =>
  api.post(at(id, "/wait-internally"), whom);
export const listSides = (id: Id, signal?: AbortSignal): Promise<SideConversations> => api.get(at(id, "/side-conversations"), {}, signal);
export const openSide = (id: Id, side: SideNew, key: string): Promise<SideConversation> => api.post(at(id, "/side-conversations"), side, key);
export const writeSide = (id: Id, side: Id, message: SideMessageNew, key: string): Promise<SideConversation> =>
  api.post(at(id, `/side-conversations/${side}/messages`), message, key);
export const merge = (id: Id, into_id: Id): Promise<Conversation> => api.post(at(id, "/merge"), { into_id });
export const unmerge = (id: Id): Promise<Conversation> => api.post(at(id, "/unmerge"));
export const split = (id: Id, message_id: Id): Promise<Conversation> => api.post(at(id, "/split"), { message_id });
export const link = (id: Id, other_id: Id, kind: Link["kind"]): Promise<Conversation> => api.post(at(id, "/link"), { other_id, kind });
export const unlink = (id: Id, other_id: Id): Promise<Conversation> => api.post(at(id, "/unlink"), { other_id });
export const setLabels = (id: Id, label_ids: Id[]): Promise<ConversationRow> =>
  api.put(at(id, "/labels"), { label_ids });
export const setPriority = (id: Id, priority: ConversationRow["priority"]): Promise<ConversationRow> =>
  api.put(at(id, "/priority"), { priority });

export const saveDraft = (id: Id, draft: Pick<Draft, "kind" | "text" | "media_ids" | "seen_through">): Promise<void> =>
  api.put(at(id, "/draft"), draft, AbortSignal.timeout(10_000)); // what hangs holds up the next, and the answer itself
/** Says that this person looks at, writes in, or has left the conversation; answers who else is there. */
export const bePresent = (id: Id, sign: { writing: boolean; here: boolean }): Promise<{ others: Viewer[] }> =>
  api.post(at(id, "/presence"), sign, "");
/** `through`: the newest message that this person has read; null makes it unread again. */
export const markSeen = (id: Id, through: Id | null): Promise<void> => api.put(at(id, "/seen"), { through });
export const getCustomer = (id: Id, signal?: AbortSignal): Promise<Customer> =>
  api.get(`/customers/${id}`, {}, signal);
export const saveCustomerNote = (id: Id, text: string): Promise<Customer> =>
  api.patch(`/customers/${id}`, { note: text });
export const listCustomers = (q: string, signal?: AbortSignal): Promise<Page<CustomerBrief>> => api.get("/customers", { q, limit: 20 }, signal);
export const listHistory = (id: Id, cursor: string | null): Promise<Page<ConversationRow>> => api.get(`/customers/${id}/conversations`, { cursor, limit: 25 });
export const markCustomer = (id: Id, marks: { is_vip?: boolean; is_blocked?: boolean }): Promise<Customer> => api.patch(`/customers/${id}`, marks);
export const joinCustomers = (id: Id, other_id: Id): Promise<Customer> => api.post(`/customers/${id}/join`, { other_id });
export const separateCustomers = (id: Id, join_id: Id): Promise<Customer> => api.post(`/customers/${id}/separate`, { join_id });
export const eraseCustomer = (id: Id): Promise<void> => api.post(`/customers/${id}/erase`);
export const addCustomerNote = (id: Id, text: string): Promise<Customer> => api.post(`/customers/${id}/notes`, { text });
export const removeCustomerNote = (id: Id, note: Id): Promise<void> => api.remove(`/customers/${id}/notes/${note}`);
export const listTopics = (): Promise<Page<Topic>> => api.get("/topics");
export const listLabels = (): Promise<Page<Label>> => api.get("/labels");
