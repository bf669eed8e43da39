/** Calls of approvals: policies, reviews, comments, versions, links for reviewers from outside. */
import { api } from "./client";
import { inLots } from "./lots";
import type { Approval, ApprovalPolicy, Decided, Id, Post, PostAct, PostComment, PostDifference, PostVersion, ReviewLink, ToDecide } from "./types";

interface Items<T> {
  items: T[];
}

export const getPolicy = (brand: Id): Promise<ApprovalPolicy> => api.get(`/brands/${brand}/approval-policy`);
export const setPolicy = (brand: Id, policy: ApprovalPolicy): Promise<ApprovalPolicy> => api.put(`/brands/${brand}/approval-policy`, policy);
export const getApproval = (post: Id): Promise<Approval> => api.get(`/posts/${post}/approval`);
export const listApprovals = (): Promise<ToDecide> => api.get("/approvals");
/** Each as it was read; what is refused says why, and the others are done. */
export const decideApprovals = (choice: "approve" | "reject", posts: { id: Id; version: number }[], reason = ""): Promise<Decided> =>
  inLots(posts, (lot) => api.post<Decided>("/approvals/decide", { choice, posts: lot, reason }), (post, why) => ({ post_id: post.id, done: false, still_waits: true, code: null, reason: why }));
export const sendUnapproved = (post: Id, reason: string): Promise<Post> => api.post(`/posts/${post}/send-unapproved`, { reason });
export const seePost = (post: Id): Promise<void> => api.post(`/posts/${post}/seen`);
export const listComments = (post: Id): Promise<Items<PostComment>> => api.get(`/posts/${post}/comments`);
export const addComment = (post: Id, text: string): Promise<PostComment> => api.post(`/posts/${post}/comments`, { text });
export const listVersions = (post: Id): Promise<Items<PostVersion>> => api.get(`/posts/${post}/versions`);
export const compareVersions = (post: Id, before: number, after: number): Promise<Items<PostDifference>> => api.get(`/posts/${post}/changes`, { before, after });
export const getHistory = (post: Id): Promise<Items<PostAct>> => api.get(`/posts/${post}/history`);
export const listLinks = (post: Id): Promise<Items<ReviewLink>> => api.get(`/posts/${post}/review-links`);
export const makeLink = (posts: Id[], name: string, language: string, hours: number): Promise<ReviewLink & { url: string }> => api.post("/review-links", { post_ids: posts, name, language, hours });
export const revokeLink = (link: Id): Promise<void> => api.remove(`/review-links/${link}`);
