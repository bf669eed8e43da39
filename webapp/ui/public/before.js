// Runs before the first paint so that a dark screen never flashes white. Kept out of the
// page itself: inline scripts are refused by the content security policy.
(() => {
  try {
    const kept = JSON.parse(localStorage.getItem("guichet.preferences") || "{}");
    const root = document.documentElement;
    if (kept.theme && kept.theme !== "system") root.dataset.theme = kept.theme;
    if (kept.density) root.dataset.density = kept.density;
    if (kept.language) root.lang = kept.language;
  } catch {
    // A browser that keeps nothing gets the defaults.
  }
})();
