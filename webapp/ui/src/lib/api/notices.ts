/** Calls about what one is told of. */
import { api } from "./client";
import type { Id, Notice, NoticeCount, NoticeMails, Page } from "./types";

export const listNotices = (cursor: string | null): Promise<Page<Notice>> => api.get("/notices", { cursor, limit: 30 });
export const countNotices = (): Promise<NoticeCount> => api.get("/notices/unseen");
export const seeNotices = (ids: Id[] | null): Promise<void> => api.post("/notices/seen", { ids });

export const getNoticeMails = (): Promise<NoticeMails> => api.get("/me/notice-mails");
export const saveNoticeMails = (choices: NoticeMails["choices"], daily_at: string): Promise<NoticeMails> => api.put("/me/notice-mails", { choices, daily_at });
