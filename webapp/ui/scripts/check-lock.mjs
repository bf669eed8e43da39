// npm sometimes drops other platforms' packages from a lock file, after which `npm ci` fails
// on every machine but the author's. This refuses such a lock, and any address of a registry.
import { readFileSync } from "node:fs";

const lock = JSON.parse(readFileSync(new URL("../package-lock.json", import.meta.url), "utf8"));
const wrong = [];
for (const [where, entry] of Object.entries(lock.packages)) {
  if (entry.resolved) wrong.push(`${where}: names a registry`);
  if (where && !entry.integrity && !entry.inBundle && !entry.link) wrong.push(`${where}: has no hash`);
  for (const name of Object.keys(entry.optionalDependencies ?? {})) {
    const nested = `${where}/node_modules/${name}`;
    if (!lock.packages[nested] && !lock.packages[`node_modules/${name}`]) {
      wrong.push(`${where || "."}: optional ${name} is not locked`);
    }
  }
}
if (wrong.length) {
  console.error(wrong.join("\n"));
  process.exit(1);
}
console.log(`${Object.keys(lock.packages).length - 1} packages locked, every platform of each among them`);
