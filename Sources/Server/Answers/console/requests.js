// One request to this server: how it is sent, how it is written as curl, and how it is shown with its answer. Knows nothing of
// the steps. Whatever is shown goes through textContent: nothing that was typed or answered is ever read as HTML.

/** Where this server is, as the browser knows it, with a slash at the end. */
export const base = new URL(".", document.baseURI);

/** Answers' headers that matter, and why. All others are left out. */
const TELLING = {
  "content-type": "what the answer is",
  "cache-control": "nobody on the way may keep it",
  "www-authenticate": "how to prove who you are",
  "allow": "what the path takes",
  "retry-after": "wait as many seconds",
  "accept-encoding": "send the body as it is",
  "x-request-id": "the same stands in the server’s logs",
};

export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** For a shell: one word, whatever is in it. */
const quoted = (text) => `'${String(text).replaceAll("'", "'\\''")}'`;

/** The same request for a terminal. `--data-raw`, since curl takes a `@` in `--data` for a file. */
export function curl({ method = "POST", path, user, headers = {}, body }) {
  const words = [`curl -sS ${quoted(new URL(path, base))}`];
  if (method !== (body === undefined ? "GET" : "POST")) words.push(`-X ${quoted(method)}`);
  if (user) words.push(`-u ${quoted(`${user.id}:${user.secret}`)}`);
  for (const [name, value] of Object.entries(headers)) {
    // Curl sends an empty header where a semicolon ends its name.
    words.push(`-H ${quoted(value === "" ? `${name};` : `${name}: ${value}`)}`);
  }
  if (body !== undefined) words.push(`--data-raw ${quoted(body)}`);
  return words.join(" \\\n  ");
}

/** RFC 7617, in UTF-8. */
const basic = ({ id, secret }) =>
  `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(`${id}:${secret}`)))}`;

async function send({ method = "POST", path, user, headers = {}, body }) {
  const fields = new Headers(headers);
  if (user) fields.set("Authorization", basic(user));
  const began = performance.now();
  // Without "omit" the browser would ask for a password by itself where the answer is 401.
  const response = await fetch(new URL(path, base), {
    method, body, headers: fields, credentials: "omit", cache: "no-store", redirect: "error", referrerPolicy: "no-referrer",
  });
  const text = await response.text();
  return { status: response.status, reason: response.statusText, headers: response.headers, text, json: parsed(text),
    began, milliseconds: performance.now() - began };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The codes of errors in an answer, in either of the API's two forms. */
export function errorCodes(json) {
  if (Array.isArray(json?.errors)) return [...new Set(json.errors.map((error) => String(error.code)))];
  return typeof json?.error === "string" ? [json.error] : [];
}

function copyButton(block) {
  const button = element("button", { type: "button", textContent: "Copy" });
  button.addEventListener("click", async () => {
    getSelection().selectAllChildren(block);
    try {
      await navigator.clipboard.writeText(block.textContent);
      button.textContent = "Copied";
    } catch {
      // Where there is no TLS, a browser may offer no clipboard.
      button.textContent = "Selected: press Ctrl-C";
    }
  });
  return button;
}

function answerLines(answer) {
  const lines = Object.entries(TELLING).filter(([name]) => answer.headers.has(name)).map(([name, why]) =>
    element("li", {}, element("code", { textContent: `${name}: ${answer.headers.get(name)}` }),
      element("span", { textContent: ` – ${why}` })));
  return element("ul", { className: "fieldlines" }, ...lines);
}

function answerParts(answer) {
  const kind = answer.status < 400 ? "good" : "bad";
  const content = answer.json === undefined ? answer.text : JSON.stringify(answer.json, null, 2);
  const parts = [
    element("p", { className: `answer ${kind}`,
      textContent: `Answer: ${answer.status} ${answer.reason} after ${answer.milliseconds.toFixed(0)} ms` }),
    answerLines(answer),
    element("pre", { textContent: content === "" ? "(no content)" : content }),
  ];
  for (const code of errorCodes(answer.json)) {
    parts.push(element("p", {}, element("a", { href: `errors#${encodeURIComponent(code)}`, target: "_blank", rel: "noopener",
      textContent: `What ${code} means` }), " (in a new tab)"));
  }
  return parts;
}

/** Shows a request, sends it, and shows what came of it.
 *
 * @param container where to, behind what is there
 * @returns the answer; undefined where there was none, which is shown as well */
export async function ask(container, title, request) {
  const command = element("pre", { className: "command", textContent: curl(request) });
  const article = element("article", { className: "exchange" },
    element("h3", { textContent: title }),
    element("div", { className: "bar" }, element("p", { textContent: "Request:" }), copyButton(command)), command);
  container.append(article);
  try {
    const answer = await send(request);
    article.append(...answerParts(answer));
    return answer;
  } catch (error) {
    article.append(element("p", { className: "answer bad", textContent: `No answer: ${error.message}` }),
      element("p", { textContent: "Does the server still run? Start it, and try again. A header takes no line breaks and no "
        + "letters beyond Latin-1." }));
    return undefined;
  }
}

/** Puts a sentence behind the last answer. */
export function remark(container, text) {
  container.lastElementChild?.append(element("p", { className: "remark", textContent: text }));
}
