// Node's fetch. See in_programs.py for what is read and written.
"use strict";
const lines = require("readline").createInterface({ input: process.stdin });

async function ask(line) {
  const [, url, client, secret, body, ...fields] = line.split("\t");
  const headers = Object.fromEntries(fields.map((field) => field.split(/: (.*)/s).slice(0, 2)));
  headers.Authorization = "Basic " + Buffer.from(`${client}:${secret}`).toString("base64");
  try {
    const answer = await fetch(url, { method: "POST", headers, body });
    return `${answer.status}\t${(await answer.text()).replaceAll("\n", " ")}`;
  } catch (error) {
    return `error\t${error}: ${error.cause}`.replaceAll("\n", " ");
  }
}

(async () => {
  for await (const line of lines) process.stdout.write((await ask(line)) + "\n");
  process.exit(0);
})();
