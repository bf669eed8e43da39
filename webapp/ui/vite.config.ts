/**
 * Builds the signed-in application into webapp/static/app, with names that carry a hash of
 * their content so that the server can let browsers keep them for ever. Nothing is inlined:
 * the pages run under `script-src 'self'; style-src 'self'`.
 */
import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  base: "/static/app/",
  plugins: [
    svelte({
      // Libraries ship components written before runes; only ours must use them.
      dynamicCompileOptions: ({ filename }) =>
        filename.includes("node_modules") ? { runes: undefined } : undefined,
    }),
  ],
  resolve: {
    alias: { $lib: here("./src/lib"), $frame: here("./src/frame") },
    conditions: process.env["VITEST"] ? ["browser"] : undefined,
  },
  build: {
    outDir: here("../static/app"),
    emptyOutDir: true,
    manifest: "manifest.json",
    assetsInlineLimit: 0,
    target: "es2022",
  },
  server: { proxy: { "/api": "http://127.0.0.1:8000", "/sign-in": "http://127.0.0.1:8000" } },
  // One process and one set of modules for all files: building them for each took most of the time.
  test: { environment: "happy-dom", isolate: false, maxWorkers: 1, testTimeout: 20_000, include: ["tests/**/*.test.ts"] },
});
