/** Calls of feeds for other calendars. */
import { api } from "./client";
import type { CalendarFeed, CalendarFeedMade, Id } from "./types";

export const allFeeds = async (): Promise<CalendarFeed[]> => (await api.get<{ items: CalendarFeed[] }>("/calendar-feeds")).items;
export const makeFeed = (feed: { brand_id: Id; name: string }): Promise<CalendarFeedMade> => api.post("/calendar-feeds", feed);
export const revokeFeed = (id: Id): Promise<void> => api.remove(`/calendar-feeds/${id}`);
