/** A percentile in words: what is beyond the known says so. */
import type { Percentile } from "$lib/api/types";
import { t } from "$lib/i18n/index.svelte";
import { preferences } from "$lib/preferences.svelte";
import { span } from "$lib/times";

export function percentileInWords(value: Percentile): string {
  if (value.seconds === null) return t.numbers.unknown;
  const length = span(preferences.language, value.seconds);
  return value.more_than ? t.numbers.moreThan(length) : length;
}
