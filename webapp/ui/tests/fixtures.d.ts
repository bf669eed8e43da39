/** The made-up API is plain JavaScript, since a server of it must run without a build. */
declare module "*/fixtures/routes.mjs" {
  export function answer(world: object, method: string, path: string, query: URLSearchParams, body: unknown): [number, unknown];
}
declare module "*/fixtures/world.mjs" {
  import type { ConversationRow, Entry, Me } from "../src/lib/api/types";
  export function makeWorld(now: number, options?: { empty?: boolean; language?: string }): {
    me: Me;
    conversations: ConversationRow[];
    entries: Map<number, Entry[]>;
    drafts: Map<number, Map<string, { text: string }>>;
  };
}
