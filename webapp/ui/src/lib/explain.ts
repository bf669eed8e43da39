/**
 * An error in words for the person in front of it: what happened, what was kept, what to do.
 * The server says its own in the person's language; a code has words here only where the page
 * knows more than the server, such as that what was typed is kept.
 */
import { ApiError } from "./api/client";
import { t } from "./i18n/index.svelte";

export function explain(error: unknown): string {
  if (!(error instanceof ApiError)) return error instanceof Error ? error.message : String(error);
  const { status, detail, errors } = error.problem;
  if (status === 0) return t.common.offline;
  if (status === 401) return t.frame.signedOut;
  if (status === 429) return t.common.tooMany;
  if (status >= 500) return status === 503 && detail ? detail : t.common.serverFault;
  const known = (t.common.codes as Record<string, string>)[error.problem.code ?? ""];
  if (known) return known;
  if (detail) return errors?.length ? `${detail} (${[...new Set(errors.map((one) => one.message))].join("; ")})` : detail;
  if (status === 403) return t.common.noRight;
  if (status === 404) return t.common.gone;
  if (status === 409) return t.common.conflict;
  return error.message;
}
