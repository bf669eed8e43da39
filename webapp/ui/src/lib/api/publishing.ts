/** Calls of posts, files, deliveries, and of what needs a person. */
import { api, upload, type Query } from "./client";
import { inLots } from "./lots";
import type {
  CalendarEntry,
  DeliveriesDecided,
  Delivery,
  DeliveryDetail,
  DeliverySeen,
  Id,
  Media,
  NeedsYou,
  Page,
  Planned,
  Post,
  PostAsWritten,
  PostChange,
  PostNew,
  PostSchedule,
  Preflight,
  PreflightIn,
} from "./types";

export const listPosts = (query: Query, signal?: AbortSignal): Promise<Page<Post>> => api.get("/posts", query, signal);
export const readCalendar = (query: Query): Promise<{ items: CalendarEntry[]; complete: boolean }> => api.get("/posts/calendar", query);
export const getPost = (id: Id): Promise<Post> => api.get(`/posts/${id}`);
export const addPost = (post: Partial<PostNew> & Pick<PostNew, "brand_id">, key: string): Promise<Post> => api.post("/posts", post, key);
export const changePost = (id: Id, change: Partial<PostChange> & Pick<PostChange, "version">): Promise<Post> => api.patch(`/posts/${id}`, change);
export const deletePost = (id: Id): Promise<void> => api.remove(`/posts/${id}`);
export const preflight = (post: Partial<PreflightIn>): Promise<Preflight> => api.post("/posts/preflight", post);
/** `as`: what is known of the post, for what its links become counts too. */
export const splitText = (text: string, accounts: Id[], numbered: boolean, as: PostAsWritten): Promise<{ items: string[] }> => api.post("/posts/split", { text, account_ids: accounts, numbered, ...as });
export const schedulePost = (id: Id, when: Partial<PostSchedule> & Pick<PostSchedule, "wall_time" | "time_zone">): Promise<Planned> => api.post(`/posts/${id}/schedule`, when);
export const submitPost = (id: Id, when: Partial<PostSchedule> & Pick<PostSchedule, "wall_time" | "time_zone">): Promise<Planned> => api.post(`/posts/${id}/submit`, when);
export const reschedulePost = (id: Id, when: Partial<PostSchedule> & Pick<PostSchedule, "wall_time" | "time_zone">): Promise<Planned> => api.post(`/posts/${id}/reschedule`, when);
export const publishPost = (id: Id): Promise<Post> => api.post(`/posts/${id}/publish`);
export const approvePost = (id: Id, version?: number, reason = ""): Promise<Post> => api.post(`/posts/${id}/approve`, { version, reason });
export const rejectPost = (id: Id, reason: string, version?: number): Promise<Post> => api.post(`/posts/${id}/reject`, { version, reason });
export const cancelPost = (id: Id): Promise<Post> => api.post(`/posts/${id}/cancel`);

/** `brand`: in whose library it is to stand; null: it is one's own. */
export function uploadMedia(file: File, { alt = "", brand = null }: { alt?: string; brand?: Id | null } = {}, onprogress: (part: number) => void = () => undefined, signal?: AbortSignal): Promise<Media> {
  const form = new FormData();
  form.set("file", file);
  form.set("alt", alt);
  if (brand !== null) form.set("brand_id", String(brand));
  return upload("/media", form, onprogress, signal);
}
export const describeMedia = (id: Id, alt: string): Promise<Media> => api.patch(`/media/${id}`, { alt });

export const listDeliveries = (query: Query): Promise<Page<Delivery>> => api.get("/deliveries", query);
export const retryDelivery = (id: Id): Promise<DeliveryDetail> => api.post(`/deliveries/${id}/retry`);
export const cancelDelivery = (id: Id): Promise<DeliveryDetail> => api.post(`/deliveries/${id}/cancel`);
export const takeDownDelivery = (id: Id): Promise<DeliveryDetail> => api.post(`/deliveries/${id}/take-down`);
export const amendDelivery = (id: Id, text: string): Promise<DeliveryDetail> => api.post(`/deliveries/${id}/amend`, { text });
export const takeOverDelivery = (id: Id): Promise<DeliveryDetail> => api.post(`/deliveries/${id}/take-over`);
export const decideDelivery = (id: Id, choice: { choice: "link" | "resend" | "drop"; remote_id?: string; url?: string; reason?: string }): Promise<DeliveryDetail> =>
  api.post(`/deliveries/${id}/resolve`, choice);
/** The same about several, each as it was seen; what is refused says why, and the others are done. */
export const decideDeliveries = (choice: "link" | "resend" | "drop", deliveries: DeliverySeen[], reason = ""): Promise<DeliveriesDecided> =>
  inLots(deliveries, (lot) => api.post<DeliveriesDecided>("/deliveries/resolve", { choice, deliveries: lot, reason }), (one, why) => ({ delivery_id: one.id, done: false, code: null, reason: why }));
export const listNeeds = (): Promise<NeedsYou> => api.get("/needs-you");
export const replayDeadLetter = (id: Id): Promise<void> => api.post(`/dead-letters/${id}/replay`);
