/** A file on its way into an answer: what is typed about it is kept, whenever it is typed. */
import { afterEach, expect, it, vi } from "vitest";
import { Enclosed } from "../src/pages/inbox/enclosed.svelte";
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
