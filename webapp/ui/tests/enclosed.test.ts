/** A file on its way into an answer: what is typed about it is kept, whenever it is typed. */
import { afterEach, expect, it, vi } from "vitest";
import type { MediaLimit } from "../src/lib/api/types";
import { Enclosed } from "../src/pages/inbox/enclosed.svelte";
import { refusals } from "../src/pages/inbox/enclosing";
import { serve, until } from "./api";

afterEach(() => vi.unstubAllGlobals());

it("keeps a description that was typed while the file was on its way", async () => {
  const { asked } = serve({ before: (one) => (one.method === "PATCH" ? [200, { id: 7, alt: one.body.alt }] : null) });
  let arrive = (): void => undefined;
  vi.stubGlobal("XMLHttpRequest", class {
    status = 201;
    response = { id: 7, alt: "", mime: "image/png", size: 5, url: "/media/7" };
    upload = {};
    onload = (): void => undefined;
    open(): void {}
    setRequestHeader(): void {}
    abort(): void {}
    send(): void {
      arrive = () => this.onload();
    }
  });
  const file = new Enclosed(new File(["bytes"], "form.png"));
  const uploaded = file.upload();
  file.describe("A form with two fields");
  arrive();
  expect(await uploaded).toBe(true);
  await until(() => asked.some((one) => one.method === "PATCH"), "the description was not kept");
  expect(asked.at(-1)).toMatchObject({ path: "/media/7", body: { alt: "A form with two fields" } });
});

it("asks once for a version that the account takes, and is no longer refused with it", async () => {
  const version = { account_id: 3, surface: "public", media_id: 7, url: "/made", mime: "image/jpeg", size: 90, width: 40, height: 30 };
  const { asked } = serve({ before: (one) => (one.path === "/media/7/renditions" ? [200, { items: [], cut: null, accounts: [{ ...version, surface: "direct" }, version] }] : null) });
  const file = new Enclosed({ id: 7, url: "/media/7", name: "gate.png", mime: "image/png", size: 500, width: 80, height: 60, alt: "", sha256: "", film: null, poster_url: null });
  const limit = { max_count: 4, max_bytes: { "image/jpeg": 100, "image/png": 100 }, alone: [], alt_max: 100 } as unknown as MediaLimit;
  expect(refusals([file], limit, "X", "en")[0]).toHaveLength(1);
  await Promise.all([file.fit(3, "public"), file.fit(3, "public")]);
  expect(asked.filter((one) => one.path === "/media/7/renditions").map((one) => one.body)).toEqual([{ account_ids: [3], frame: null }]);
  expect(file.version).toEqual(version);
  expect(refusals([file], limit, "X", "en")).toEqual([[]]);
});
