// What somebody gets who asks for a URL, as a JSON line. Argument: `{ url, accept }` as JSON.

import process from "node:process";

const { url, accept } = JSON.parse(process.argv[2] ?? "{}");
const response = await fetch(url, { headers: { accept } });
console.log(JSON.stringify({
  status: response.status,
  type: response.headers.get("content-type"),
  text: await response.text(),
}));
