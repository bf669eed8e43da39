/** A table on its way in with an archive: what came with it is named, told when spoiled, and given up again. */
import { afterEach, expect, it, vi } from "vitest";
import { ImportTable } from "../src/pages/import/table.svelte";
import { serve, until } from "./api";

const row = (media: string) => ({ row: 2, cells: { text: "Sea", media } });
const TABLE = { format: "guichet", columns: ["text", "media"], unread: [], encoding: "utf-8", rows: [row("sea.png, bad.png")] };
const unpacked = (over: object) => ({ name: "march.csv", table: TABLE, media: { "sea.png": 7, "x/sea.png": 7 }, lost: { "bad.png": "is damaged in the archive" }, unused: 2, ...over });

/** Uploads go another way than `fetch`: each is answered by its address. */
function uploads(answers: Record<string, object>): { path: string; form: FormData }[] {
  const sent: { path: string; form: FormData }[] = [];
  vi.stubGlobal("XMLHttpRequest", class {
    status = 201;
    response: object = {};
    upload = {};
    onload = (): void => undefined;
    open(_: string, address: string): void {
      sent.push({ path: address.slice(address.indexOf("/imports")), form: new FormData() });
      this.response = answers[sent.at(-1)!.path]!;
    }
    setRequestHeader(): void {}
    abort(): void {}
    send(form: FormData): void {
      sent.at(-1)!.form = form;
      this.onload();
    }
  });
  return sent;
}

afterEach(() => vi.unstubAllGlobals());

it("takes the table and its files out of one archive, and says at the check what was spoiled", async () => {
  const { asked } = serve();
  const sent = uploads({ "/imports/unpack": unpacked({}) });
  const table = new ImportTable();
  await table.take([new File(["PK"], "march.ZIP")]);
  expect(table.failure).toBeNull();
  expect([sent.length, sent[0]?.form.get("wanted"), table.name, table.lines.length, table.unused]).toEqual([1, "", "march.csv", 1, 2]);
  expect(asked.find((one) => one.path === "/imports/check")?.body).toMatchObject({ media: { "sea.png": 7 }, lost: { "bad.png": "is damaged in the archive" } });
  table.giveUp();
  await until(() => asked.some((one) => one.path === "/imports/discard"), "its files were kept");
  expect(asked.at(-1)?.body).toEqual({ media_ids: [7] });
  table.giveUp();
  expect(asked.filter((one) => one.path === "/imports/discard")).toHaveLength(1);
});

it("asks of an archive beside a table only for what its cells name", async () => {
  serve();
  const sent = uploads({ "/imports/read": TABLE, "/imports/unpack": unpacked({ table: null, name: "" }) });
  const table = new ImportTable();
  await table.take([new File(["PK"], "files.zip"), new File(["Text"], "march.csv")]);
  expect(sent.map((one) => one.path)).toEqual(["/imports/read", "/imports/unpack"]);
  expect([sent[1]?.form.get("wanted"), table.name, table.lines.length]).toEqual(["sea.png, bad.png", "march.csv", 1]);
});
