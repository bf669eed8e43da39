/** Calls of how the links of a brand's posts are tagged. */
import { api } from "./client";
import type { Id, LinkExample, LinkRule } from "./types";

export const getLinkRule = (brand: Id): Promise<LinkRule> => api.get(`/brands/${brand}/link-rule`);
export const setLinkRule = (brand: Id, rule: LinkRule): Promise<LinkRule> => api.put(`/brands/${brand}/link-rule`, rule);
export const tryLinkRule = (brand: Id, rule: LinkRule): Promise<{ items: LinkExample[] }> => api.post(`/brands/${brand}/link-rule/examples`, rule);
