/**
 * What a person chose about how this browser shows things. Kept in the browser and nowhere
 * else: a shared screen and a laptop may differ. Every read copes with a browser that refuses
 * storage.
 */
export type Theme = "system" | "light" | "dark";
export type Density = "comfortable" | "compact";
export type Language = "en" | "fr";

interface Kept {
  theme: Theme;
  density: Density;
  language: Language;
  railFolded: boolean;
  autoAdvance: boolean;
  /** Notifications of the browser, and whether with a sound. */
  desktop: boolean;
  desktopSound: boolean;
  /** Mails as they look, and not their words alone. */
  formatted: boolean;
  panes: Record<string, number>;
}

const KEY = "guichet.preferences";

function usual(): Kept {
  const language: Language = navigator.language.toLowerCase().startsWith("fr") ? "fr" : "en";
  return { theme: "system", density: "comfortable", language, railFolded: false, autoAdvance: true, desktop: false, desktopSound: false, formatted: false, panes: {} };
}

function read(): Kept {
  try {
    return { ...usual(), ...(JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Kept>) };
  } catch {
    return usual();
  }
}

export const preferences: Kept = $state(read());

/** Writes every change to the browser and to the root element. Call once, inside a root effect. */
export function keepPreferences(): void {
  const root = document.documentElement;
  if (preferences.theme === "system") delete root.dataset["theme"];
  else root.dataset["theme"] = preferences.theme;
  root.dataset["density"] = preferences.density;
  root.lang = preferences.language;
  try {
    localStorage.setItem(KEY, JSON.stringify(preferences));
  } catch {
    // A browser that keeps nothing still shows what was chosen until the page is left.
  }
}
