/** Calls of the pages behind links. */
import { api } from "./client";
import type { Id, LinkPreview, Media } from "./types";

/** What the page says of itself; `anew`: also where it was looked at today. */
export const previewLink = (url: string, anew = false): Promise<LinkPreview> => api.post("/link-previews", { url, anew }, "");
/** Makes of a picture what stands on a card. */
export const makeCardPicture = (id: Id): Promise<Media> => api.post("/link-previews/pictures", { media_id: id });
