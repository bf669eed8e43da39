// Starts the real Bluesky servers (account server, view of the network, directory) for tests.
// They listen on loopback only, on ports of their own choice, and end when standard input does.
// Prints one line of JSON when they are ready.

const net = require("node:net");

// The servers listen on every interface unless told otherwise, and cannot all be told.
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (...args) {
  if (typeof args[0] === "object" && args[0] !== null) {
    return listen.call(this, { ...args[0], host: "127.0.0.1" }, ...args.slice(1));
  }
  const callback = args.filter((arg) => typeof arg === "function");
  return listen.call(this, { port: Number(args[0] ?? 0), host: "127.0.0.1" }, ...callback);
};

// The view indexes names for its people search with an extension that a PostgreSQL from a
// Python wheel does not carry. Nothing here searches people, so those indexes are left out.
const { Client } = require("pg");
const query = Client.prototype.query;
Client.prototype.query = function (asked, ...rest) {
  const text = typeof asked === "string" ? asked : (asked?.text ?? "");
  if (/create extension .*pg_trgm|gist_trgm_ops/s.test(text)) {
    return query.call(this, typeof asked === "string" ? "select 1" : { ...asked, text: "select 1", values: [] }, ...rest);
  }
  return query.call(this, asked, ...rest);
};

async function main() {
  const { TestNetwork, TestNetworkNoAppView } = require("@atproto/dev-env");
  // Without the view of the network the account server starts at once, and with its rate limits.
  const network =
    process.env.ACCOUNTS_ONLY === "true"
      ? await TestNetworkNoAppView.create({ pds: { hostname: "localhost", rateLimitsEnabled: true } })
      : await TestNetwork.create({ pds: { hostname: "localhost" }, bsky: { dbPostgresSchema: "appview" } });
  process.stdout.write(`${JSON.stringify({ pds: network.pds.url, view: network.bsky?.url ?? "" })}\n`);
}

process.stdin.on("end", () => process.exit(0));
process.stdin.resume();
main().catch((error) => {
  console.error(error);
  process.exit(1);
});
