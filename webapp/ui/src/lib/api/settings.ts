/** Calls of the settings: people, rights, rules, words, hours, tokens, the log. */
import { api, type Query } from "./client";
import type {
  AuditEntry,
  Brand,
  BusinessHours,
  CannedReply,
  Condition,
  Grant,
  Id,
  Label,
  Topic,
  Left,
  Me,
  Page,
  PromisePolicy,
  PromisePreview,
  Rule,
  RuleAction,
  RulePreview,
  Staff,
  TeamWhole,
  Token,
  TokenMade,
} from "./types";

/** Every page of a list that is short by nature. */
async function all<T>(path: string): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<T> = await api.get(path, { limit: 200, cursor });
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor);
  return items;
}

type Change = Record<string, unknown>;

export const allStaff = (): Promise<Staff[]> => all("/staff");
export const addStaff = (person: Change): Promise<Staff> => api.post("/staff", person);
export const changeStaff = (id: Id, change: Change): Promise<Staff> => api.patch(`/staff/${id}`, change);
export const disableStaff = (id: Id): Promise<Left> => api.post(`/staff/${id}/disable`);
export const enableStaff = (id: Id): Promise<Staff> => api.post(`/staff/${id}/enable`);

export const allTeams = (): Promise<TeamWhole[]> => all("/teams");
export const addTeam = (team: Change): Promise<TeamWhole> => api.post("/teams", team);
export const changeTeam = (id: Id, change: Change): Promise<TeamWhole> => api.patch(`/teams/${id}`, change);
export const removeTeam = (id: Id): Promise<void> => api.remove(`/teams/${id}`);

export const allGrants = (): Promise<Grant[]> => all("/grants");
export const addGrant = (grant: Change): Promise<Grant> => api.post("/grants", grant);
export const endGrant = (id: Id): Promise<void> => api.remove(`/grants/${id}`);

export const allRules = async (): Promise<Rule[]> => (await api.get<Page<Rule>>("/rules")).items;
/** When a rule acts: "" on a message, else so long after a clock began. */
export type RuleWhen = Pick<Rule, "since" | "after_minutes" | "in_hours">;
export const addRule = (rule: RuleWhen & { name: string; brand_id: Id | null; stops: boolean; conditions: Condition[]; actions: RuleAction[] }): Promise<Rule> => api.post("/rules", rule);
export const changeRule = (id: Id, change: Change): Promise<Rule> => api.patch(`/rules/${id}`, change);
export const removeRule = (id: Id): Promise<void> => api.remove(`/rules/${id}`);
export const orderRules = (ids: Id[]): Promise<Page<Rule>> => api.post("/rules/order", { ids });
export const previewRule = (conditions: Condition[], brand_id: Id | null, when: RuleWhen): Promise<RulePreview> => api.post("/rules/preview", { conditions, brand_id, ...when });

export const allPromises = async (): Promise<PromisePolicy[]> => (await api.get<Page<PromisePolicy>>("/promises")).items;
export const addPromise = (promise: Change): Promise<PromisePolicy> => api.post("/promises", promise);
export const changePromise = (id: Id, change: Change): Promise<PromisePolicy> => api.patch(`/promises/${id}`, change);
export const removePromise = (id: Id): Promise<void> => api.remove(`/promises/${id}`);
export const orderPromises = (ids: Id[]): Promise<Page<PromisePolicy>> => api.post("/promises/order", { ids });
export const previewPromise = (promise: Change): Promise<PromisePreview> => api.post("/promises/preview", promise);

export const allCanned = (): Promise<CannedReply[]> => all("/canned-replies");
export const addCanned = (text: Change): Promise<CannedReply> => api.post("/canned-replies", text);
export const changeCanned = (id: Id, change: Change): Promise<CannedReply> => api.patch(`/canned-replies/${id}`, change);
export const removeCanned = (id: Id): Promise<void> => api.remove(`/canned-replies/${id}`);

export const allTopics = (): Promise<Topic[]> => all("/topics");
export const addTopic = (topic: Change): Promise<Topic> => api.post("/topics", topic);
export const changeTopic = (id: Id, change: Change): Promise<Topic> => api.patch(`/topics/${id}`, change);
export const removeTopic = (id: Id): Promise<void> => api.remove(`/topics/${id}`);
export const allLabels = (): Promise<Label[]> => all("/labels");
export const addLabel = (label: Change): Promise<Label> => api.post("/labels", label);
export const changeLabel = (id: Id, change: Change): Promise<Label> => api.patch(`/labels/${id}`, change);
export const removeLabel = (id: Id): Promise<void> => api.remove(`/labels/${id}`);

export const allBrands = (): Promise<Brand[]> => all("/brands");
export const addBrand = (brand: Change): Promise<Brand> => api.post("/brands", brand);
export const changeBrand = (id: Id, change: Change): Promise<Brand> => api.patch(`/brands/${id}`, change);
/** How many conversations would go at once if the brand kept them for so many days; counted to 10,000. */
export const countTooOld = (id: Id, days: number): Promise<number> => api.get<{ conversations: number }>(`/brands/${id}/too-old?days=${days}`).then((found) => found.conversations);

export const allHours = (): Promise<BusinessHours[]> => all("/calendars");
export const addHours = (hours: Change): Promise<BusinessHours> => api.post("/calendars", hours);
export const changeHours = (id: Id, change: Change): Promise<BusinessHours> => api.patch(`/calendars/${id}`, change);

export const allTokens = (): Promise<Token[]> => all("/tokens");
export const addToken = (token: { name: string; scopes: string[]; days: number | null }): Promise<TokenMade> => api.post("/tokens", token);
export const endToken = (id: Id): Promise<void> => api.remove(`/tokens/${id}`);

export const changeMe = (change: Change): Promise<Me> => api.patch("/me", change);
export const changePassword = (old: string, wanted: string): Promise<void> => api.post("/me/password", { old, new: wanted });

export const listAudit = (query: Query): Promise<Page<AuditEntry>> => api.get("/audit", query);
