/**
 * Notifications of the browser while a page of ours is open; nothing is pushed from outside. Only
 * what concerns this person, without a customer's words, without a sound unless wanted, and not
 * while they look. Of several tabs the one that was looked at last shows them.
 */
import { alerts } from "./alerts.svelte";
import { listNotices } from "./api/notices";
import type { Notice } from "./api/types";
import { t } from "./i18n/index.svelte";
import { live } from "./live.svelte";
import { notices } from "./notices.svelte";
import { preferences } from "./preferences.svelte";
import { go } from "./router.svelte";

const LOCK = "guichet.desktop";
const SOON = 1_000;

export type Standing = "unknown" | "default" | "granted" | "denied";

class Desktop {
  standing: Standing = $state(typeof Notification === "undefined" ? "unknown" : Notification.permission);
  /** Whether this tab is the one that shows them. */
  #shows = false;
  #through = "";
  #called = new Set<number>();

  get isOn(): boolean {
    return preferences.desktop && this.standing === "granted";
  }

  /** Called by a click alone: a page that asks by itself is refused for good by most people. */
  async switchOn(): Promise<void> {
    if (this.standing === "default") this.standing = await Notification.requestPermission();
    preferences.desktop = this.standing === "granted";
  }

  follow(): () => void {
    this.#take(false);
    const looked = (): void => this.#take(true);
    addEventListener("focus", looked);
    void this.#newest();
    const stops = [
      live.onSoon(["notice"], () => void this.#tellNotices(), SOON),
      live.onSoon(["alert"], () => void this.#tellAlerts(), SOON),
      () => removeEventListener("focus", looked),
    ];
    return () => stops.forEach((stop) => stop());
  }

  /** One tab holds the lock for as long as it lives, or until another is looked at. */
  #take(steal: boolean): void {
    const locks = navigator.locks as LockManager | null | undefined; // none beyond HTTPS and this machine
    if (!locks) {
      this.#shows = true;
      return;
    }
    if (steal && this.#shows) return;
    locks
      .request(LOCK, steal ? { steal } : {}, () => {
        this.#shows = true;
        return new Promise<void>(() => undefined);
      })
      .catch(() => {
        this.#shows = false; // another tab has it now
      });
  }

  async #newest(): Promise<Notice[]> {
    try {
      const { items } = await listNotices(null);
      const fresh = this.#through ? items.filter((one) => !one.seen && one.at > this.#through) : [];
      this.#through = items[0]?.at ?? (this.#through || "0");
      return fresh;
    } catch {
      return []; // the live dot says when the server is away
    }
  }

  async #tellNotices(): Promise<void> {
    for (const one of (await this.#newest()).slice(0, 3)) {
      this.#show(`notice-${one.id}`, t.frame.noticeKinds[one.kind](one.by?.name ?? one.customer.name, one.count), one.account.handle, () => {
        void notices.see([one.id]);
        go(`/inbox/${one.conversation_id}`);
      });
    }
  }

  async #tellAlerts(): Promise<void> {
    await alerts.read();
    for (const one of alerts.open.filter((each) => each.calls_me && !this.#called.has(each.id))) {
      this.#called.add(one.id);
      this.#show(`alert-${one.id}`, `${t.alerts.calls} ${t.alerts.events[one.event]} (${one.count})`, `${one.brand.name} · ${one.account.handle}`, () => go(`/alerts/${one.id}`));
    }
  }

  #show(tag: string, title: string, body: string, open: () => void): void {
    if (!this.isOn || !this.#shows || document.hasFocus()) return;
    let shown: Notification;
    try {
      shown = new Notification(title, { body, tag, silent: !preferences.desktopSound });
    } catch {
      this.standing = "unknown"; // browsers of telephones take them from a service worker alone
      return;
    }
    shown.onclick = () => {
      window.focus();
      shown.close();
      open();
    };
  }
}

export const desktop = new Desktop();
