/**
 * A table of posts on its way in: its rows as they stand, what is wrong with them, and its files.
 * Every change is checked again by the server, which alone decides.
 */
import { bringIn, checkTable, discardFiles, fetchFile, readTable, unpack } from "$lib/api/imports";
import { uploadMedia } from "$lib/api/publishing";
import type { CellFinding, ColumnName, Id, PostImport, Table, TableChecked } from "$lib/api/types";
import { explain } from "$lib/explain";

export type How = "draft" | "approval" | "schedule";
export interface Line {
  row: number;
  cells: Partial<Record<ColumnName, string>>;
}

const IS_TABLE = /\.(csv|tsv|txt|xlsx)$/i;
const IS_ARCHIVE = /\.zip$/i;
const ALWAYS: ColumnName[] = ["text", "accounts", "date"];
const ADDRESS = /https?:\/\/[^\s|]+/g;

export class ImportTable {
  name = $state("");
  read = $state<Omit<Table, "rows"> | null>(null);
  lines: Line[] = $state([]);
  checked = $state<TableChecked | null>(null);
  accounts: Id[] = $state([]);
  zone: string | null = $state(null);
  order: "" | "dmy" | "mdy" = $state("");
  files: Record<string, Id> = $state({});
  /** What could not be fetched or taken, by name or address. */
  lost: Record<string, string> = $state({});
  /** Files of archives that no row names. */
  unused = $state(0);
  /** What is being done: how much of how many. */
  busy = $state<{ what: "reading" | "files" | "sending" | "unpacking"; done: number; of: number } | null>(null);
  checking = $state(false);
  failure: unknown = $state(null);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;
  #brought: Id[] = [];
  #key = crypto.randomUUID();

  readonly columns: ColumnName[] = $derived.by(() => {
    const shown = new Set<ColumnName>([...ALWAYS, ...(this.read?.columns ?? []), ...(this.checked?.findings ?? []).map((one) => one.column)]);
    return (["text", "accounts", "date", "time", "time_zone", "clock_change", "link", "media", "alt_text", "thread", "first_comment", "title", "language", "subject", "labels", "campaign", "tags_links"] as ColumnName[]).filter((one) => shown.has(one));
  });
  readonly found: Map<string, CellFinding[]> = $derived.by(() => {
    const found = new Map<string, CellFinding[]>();
    for (const one of this.checked?.findings ?? []) found.set(`${one.row}.${one.column}`, [...(found.get(`${one.row}.${one.column}`) ?? []), one]);
    return found;
  });
  readonly wrongRows: Set<number> = $derived(new Set((this.checked?.findings ?? []).filter((one) => one.error).map((one) => one.row)));
  readonly wrongCells: number = $derived([...this.found.values()].filter((all) => all.some((one) => one.error)).length);
  readonly asksForOrder: boolean = $derived(this.order === "" && (this.checked?.findings ?? []).some((one) => one.name === "ambiguous_date"));

  /** Reads the table among these files; the others are what its cells name. */
  async take(given: File[]): Promise<void> {
    const table = given.find((one) => IS_TABLE.test(one.name));
    this.failure = null;
    try {
      if (table) {
        this.busy = { what: "reading", done: 0, of: 1 };
        const { rows, ...read } = await readTable(table);
        Object.assign(this, { name: table.name, read, checked: null, order: "", lost: {} });
        this.lines = rows;
      }
      for (const archive of given.filter((one) => IS_ARCHIVE.test(one.name))) await this.#unpack(archive);
      await this.#takeFiles(given.filter((one) => one !== table && !IS_ARCHIVE.test(one.name)));
      await this.#fetchFiles();
      if (this.read) await this.check();
    } catch (error) {
      this.failure = error;
    }
    this.busy = null;
  }

  /** Where the table is read already its cells say what is wanted, and "-" that they name nothing. */
  async #unpack(archive: File): Promise<void> {
    this.busy = { what: "sending", done: 0, of: 100 };
    const cells = this.lines.map((line) => line.cells.media ?? "").filter(Boolean);
    const { table, name, media, lost, unused } = await unpack(archive, [...new Set(cells)].join("\n") || (this.read ? "-" : ""), (part) => {
      this.busy = part < 1 ? { what: "sending", done: Math.round(part * 100), of: 100 } : { what: "unpacking", done: 0, of: 1 };
    });
    if (table) {
      const { rows, ...read } = table;
      Object.assign(this, { name, read, checked: null, order: "", lost: {} });
      this.lines = rows;
    }
    for (const one of Object.keys(media)) delete this.lost[one];
    Object.assign(this.files, media);
    Object.assign(this.lost, lost);
    this.unused += unused;
    this.#brought.push(...new Set(Object.values(media)));
  }

  /** Its files are of no use any more, as far as no post came of them. */
  giveUp(): void {
    const ids = [...new Set(this.#brought)];
    this.#brought = [];
    for (let at = 0; at < ids.length; at += 400) void discardFiles(ids.slice(at, at + 400)).catch(() => undefined);
  }

  async #takeFiles(files: File[]): Promise<void> {
    for (const [done, file] of files.entries()) {
      this.busy = { what: "files", done, of: files.length };
      try {
        this.files[file.name] = (await uploadMedia(file)).id;
        this.#brought.push(this.files[file.name]!);
        delete this.lost[file.name];
      } catch (error) {
        this.lost[file.name] = explain(error);
      }
    }
  }

  async #fetchFiles(): Promise<void> {
    const wanted = [...new Set(this.lines.flatMap((line) => line.cells.media?.match(ADDRESS)?.map((one) => one.replace(/[,;]$/, "")) ?? []))];
    const missing = wanted.filter((one) => !(one in this.files) && !(one in this.lost));
    for (const [done, url] of missing.entries()) {
      this.busy = { what: "files", done, of: missing.length };
      try {
        this.files[url] = (await fetchFile(url)).id;
        this.#brought.push(this.files[url]!);
      } catch (error) {
        this.lost[url] = explain(error);
      }
    }
  }

  write(row: number, column: ColumnName, text: string): void {
    const line = this.lines.find((one) => one.row === row);
    if (!line) return;
    line.cells[column] = text;
    this.soon();
  }

  leaveOut(row: number): void {
    this.lines = this.lines.filter((one) => one.row !== row);
    this.soon();
  }

  /** Checks once nobody types any more. */
  soon(): void {
    this.checking = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#fetchFiles().then(() => this.check()).finally(() => (this.busy = null)), 500);
  }

  async check(): Promise<void> {
    const asked = ++this.#asked;
    if (!this.lines.length) return;
    this.checking = true;
    try {
      const checked = await checkTable(this.#given());
      if (asked !== this.#asked) return;
      this.checked = checked;
      this.failure = null;
    } catch (error) {
      if (asked === this.#asked) this.failure = error;
    }
    if (asked === this.#asked) this.checking = false;
  }

  async bringIn(how: How): Promise<PostImport> {
    const made = await bringIn({ ...this.#given(), how, filename: this.name.slice(0, 300) }, this.#key);
    this.#key = crypto.randomUUID();
    return made;
  }

  /** Another try after a refusal is another request. */
  anew(): void {
    this.#key = crypto.randomUUID();
  }

  #given(): { rows: Line[]; account_ids: Id[]; time_zone: string | null; order: "" | "dmy" | "mdy"; media: Record<string, Id>; lost: Record<string, string> } {
    const rows = this.lines.map((line) => ({ row: line.row, cells: $state.snapshot(line.cells) }));
    return { rows, account_ids: [...this.accounts], time_zone: this.zone, order: this.order, media: $state.snapshot(this.files), lost: Object.fromEntries(Object.entries(this.lost).map(([name, why]) => [name, why.slice(0, 500)])) };
  }
}
