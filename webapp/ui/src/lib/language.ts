/** Choosing a language: shown at once, and kept with the person, so that it follows them. */
import { setMyLanguage } from "./api/organisation";
import { explain } from "./explain";
import { speak } from "./i18n/index.svelte";
import type { Language } from "./preferences.svelte";
import { session } from "./session.svelte";
import { tell } from "./toasts.svelte";

export async function chooseLanguage(language: Language): Promise<void> {
  await speak(language);
  try {
    session.me = await setMyLanguage(language);
  } catch (error) {
    tell(explain(error), { tone: "late" });
  }
}
