/** Who sits here, and the lists that every page needs. Read once, then kept by live events. */
import * as organisation from "./api/organisation";
import { useCsrfToken } from "./api/client";
import type { Account, AccountRole, Brake, Brand, Label, Me, PostTag, Staff, Team, Topic } from "./api/types";
import { listLabels, listTopics } from "./api/conversations";
import { allTags } from "./api/tags";
import { soon } from "./soon";

const RANK: AccountRole[] = ["viewer", "agent", "author", "publisher", "manager"];

class Session {
  me: Me | null = $state(null);
  accounts: Account[] = $state([]);
  brands: Brand[] = $state([]);
  staff: Staff[] = $state([]);
  teams: Team[] = $state([]);
  labels: Label[] = $state([]);
  topics: Topic[] = $state([]);
  tags: PostTag[] = $state([]);
  brake: Brake | null = $state(null);
  /** What a pulled brake holds changes with the deliveries. */
  #readHeld = soon(() => void this.readBrake(), 2000);

  can(act: string): boolean {
    return this.me?.can.includes(act) ?? false;
  }

  account(id: number): Account | undefined {
    return this.accounts.find((one) => one.id === id);
  }

  /** Accounts on which this person has at least `role`. */
  accountsAs(role: AccountRole): Account[] {
    return this.accounts.filter((one) => one.role && RANK.indexOf(one.role) >= RANK.indexOf(role));
  }

  /** Brands that this person manages, or one of whose accounts. */
  get managed(): Brand[] {
    const ids = new Set(this.accountsAs("manager").map((one) => one.brand.id));
    return this.brands.filter((one) => this.can("brand.manage") || ids.has(one.id));
  }

  /** Brands whose labels and campaigns of posts this person looks after. */
  get sorting(): Brand[] {
    return this.can("label.manage") ? this.brands : this.managed;
  }

  async load(): Promise<void> {
    const me = await organisation.getMe();
    useCsrfToken(me.csrf_token);
    this.me = me;
  }

  /** A list that fails stays empty: the pages that need it say so themselves. */
  async loadLists(): Promise<void> {
    const into = async <T>(read: Promise<T>, put: (value: T) => void): Promise<void> => {
      try {
        put(await read);
      } catch {
        // Each page that depends on the list shows its own failure.
      }
    };
    await Promise.all([
      into(organisation.listAccounts(), (page) => (this.accounts = page.items)),
      into(organisation.listBrands(), (page) => (this.brands = page.items)),
      into(organisation.listStaff(), (page) => (this.staff = page.items)),
      into(organisation.listTeams(), (page) => (this.teams = page.items)),
      into(listLabels(), (page) => (this.labels = page.items)),
      into(listTopics(), (page) => (this.topics = page.items)),
      into(allTags(), (tags) => (this.tags = tags)),
      this.readBrake(),
    ]);
  }

  async readBrake(): Promise<void> {
    // As it was last known, where it cannot be read.
    this.brake = await organisation.getBrake().catch(() => this.brake);
  }

  readHeldSoon(): void {
    if (this.brake?.on) this.#readHeld();
  }
}

export const session = new Session();
