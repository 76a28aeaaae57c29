// The steps of the sandbox console: what each asks of the server, and what the page knows afterwards. Every step is a real
// request to this server. Nothing is stored, and no secret is ever put into a URL.

import { ask, element, errorCodes, remark, base } from "./requests.js";
import { mistakes } from "./mistakes.js";

const at = (id) => document.getElementById(id);
const value = (id) => at(id).value;
const say = (text) => { at("status").textContent = text; };

/** What the page holds. `code` is {text, redirect, place, deadline, lifetime, state: "live" | "expired" | "spent"}. */
const held = { ccg: undefined, code: undefined, token: undefined, tokenState: "" };

/** How long a code lives, in seconds, as the server says. */
let codeLifetime = 60;

// Requests

const client = () => ({ id: value("client-id"), secret: value("client-secret") });

const obie = (path, body, ccg) => ({
  path: `v1/obie/${path}`, user: client(), body: JSON.stringify(body),
  headers: { "Content-Type": "application/json", "fi_reference_id": value("institution"), "version": "1.0",
    ...(ccg === undefined ? {} : { "ccg_token": ccg }) },
});

const gateway = (path, token) => ({
  path, user: client(), body: new URLSearchParams({ token }).toString(),
  headers: { "Content-Type": "application/x-www-form-urlencoded" },
});

const codeRequest = (members = {}, ccg = held.ccg ?? "good-access-token") => obie("authorization_codes", {
  consent_id: value("consent"), psu_account_id: value("account"), scope: value("scope"),
  redirect_uri: value("redirect"), state: value("state"), ...members }, ccg);

function exchangeRequest(code, key) {
  const request = obie("tokens", { auth_code: code.text, redirect_uri: code.redirect }, held.ccg);
  request.headers["x-idempotency-key"] = key;
  return request;
}

const look = (token) => gateway("oauth2/introspect", token);

/** A random UUID. crypto.randomUUID is not there without TLS, unless the server is on this machine. */
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

// What the page shows of what it holds

/** For each button what it needs. */
const READY = {
  code: () => held.ccg !== undefined,
  exchange: () => held.code !== undefined && held.code.state !== "spent",
  repeat: () => held.code?.state === "spent" && held.tokenState === "alive",
  look: () => held.token !== undefined,
  replay: () => held.code?.state === "spent",
  revoke: () => held.ccg !== undefined,
  withdraw: () => held.ccg !== undefined,
};

function update() {
  for (const [id, isReady] of Object.entries(READY)) {
    const button = at(id), needs = at(`needs-${id}`), ready = isReady();
    needs.hidden = ready;
    // A button that is really disabled would lose the focus. And a hint that is hidden would still be read aloud.
    if (ready) {
      button.removeAttribute("aria-disabled");
      button.removeAttribute("aria-describedby");
    } else {
      button.setAttribute("aria-disabled", "true");
      button.setAttribute("aria-describedby", needs.id);
    }
  }
  at("held-ccg").textContent = held.ccg ?? "none yet";
  at("held-code").textContent = held.code ? `${held.code.text} (${held.code.state})` : "none yet";
  at("held-token").textContent = held.token ? `${held.token} (${held.tokenState})` : "none yet";
}

// The clock: it begins when the request for the code left, so it never shows life that the server does not give.

let ticking;

function hold(code) {
  held.code = code;
  at("key").value = newKey();
  at("clock").hidden = false;
  at("clock-note").textContent = "Exchange it in time. Or wait for 0, and see step 3 refuse it.";
  at("bar").max = code.lifetime;
  clearInterval(ticking);
  ticking = setInterval(tick, 250);
  tick();
}

function tick() {
  const code = held.code, left = Math.max(0, Math.ceil((code.deadline - performance.now()) / 1000));
  if (code.state === "spent") {
    clearInterval(ticking);
    at("clock-note").textContent = `Spent with ${left} seconds left.`;
    return;
  }
  if (at("seconds").textContent !== String(left)) {
    at("seconds").textContent = left;
    at("bar").value = left;
    at("clock").classList.toggle("late", left <= 10);
    if (left === 10) say("10 seconds left for the code.");
    if (code.state === "live") count();
  }
  if (left > 0) return;
  clearInterval(ticking);
  code.state = "expired";
  at("clock-note").textContent = "Expired: the server has forgotten it. Step 3 shows what an exchange gets now.";
  say("The code has expired.");
  update();
  // The server counts those that nobody came for a little later.
  for (const seconds of [1, 2, 3, 4]) setTimeout(count, seconds * 1000);
}

// What the server counts

async function count() {
  try {
    const answer = await fetch(new URL("sandbox/counts", base), { cache: "no-store", credentials: "omit" });
    const { codes, code_lifetime: seconds } = await answer.json();
    codeLifetime = seconds;
    for (const name of ["live", "redeemed", "expired", "replayed"]) at(`count-${name}`).textContent = codes[name];
    at("counts-note").textContent = "Of everybody, since it was started.";
  } catch {
    at("counts-note").textContent = "The server does not answer: these are old.";
  }
}

// Steps

/** A step ends early where an answer is not what the rest needs. */
class Ended extends Error {}

/** Runs a step: its button is busy meanwhile, and what it showed before is gone. */
async function run(button, work) {
  const step = button.closest(".step"), output = step.querySelector(".exchanges");
  if (button.getAttribute("aria-disabled")) return say(at(`needs-${button.id}`).textContent);
  // One step at a time: two of them would spend the same code.
  if (document.querySelector(".step[aria-busy]")) return;
  output.replaceChildren();
  step.setAttribute("aria-busy", "true");
  const asking = async (title, request, status) => {
    const answer = await ask(output, title, request);
    const said = answer ? [answer.status, answer.reason, ...errorCodes(answer.json)].join(" ") : "no answer";
    say(`${title}: ${said}.`);
    if (!answer || (status && answer.status !== status)) throw new Ended();
    return answer;
  };
  try {
    await work(asking, (text) => { remark(output, text); say(`${at("status").textContent} ${text}`); });
  } catch (error) {
    if (!(error instanceof Ended)) throw error;
  } finally {
    update();
    await count();
    step.removeAttribute("aria-busy");
    // On a small screen it may have opened below.
    output.scrollIntoView({ block: "nearest" });
  }
}

async function makeCode(asking, title = "Make a code") {
  const redirect = value("redirect");
  const answer = await asking(title, codeRequest(), 201);
  const { base_uri: place, parameters } = answer.json.data.redirect_uri;
  return { text: parameters.code, redirect, consent: value("consent"), place: `${place}${place.includes("?") ? "&" : "?"}${new URLSearchParams(parameters)}`,
    state: "live", lifetime: codeLifetime, deadline: answer.began + codeLifetime * 1000 };
}

async function exchange(asking, code, key, title = "Exchange the code") {
  spend(await asking(title, exchangeRequest(code, key), 201), code, key);
}

function spend(answer, code, key) {
  code.state = "spent";
  [held.code, held.token, held.tokenState] = [code, answer.json.data.access_token, "alive"];
  at("key").value = key;
}

/** The code that is held, where it is still good and for the consent that is asked for; else a new one. */
const liveCode = async (asking) =>
  held.code?.state === "live" && held.code.consent === value("consent") ? held.code : makeCode(asking);

/** The answer is about the code, and not about how it was asked. */
const isAboutCode = (answer) => errorCodes(answer.json).includes("auth_code_invalid");
const NOT_ABOUT_CODE = "Nothing is said about the code: the error names what is wrong with the request.";

/** Looks the token up, and holds what the server says of it. */
async function lookUp(asking, title) {
  const answer = await asking(title, look(held.token), 200);
  held.tokenState = answer.json.active ? "alive" : "void";
  return answer.json.active;
}

const STEPS = {
  async ccg(asking) {
    held.ccg = (await asking("Get a CCG token", obie("tokens", { grant_type: "client_credentials" }), 201)).json.data.access_token;
  },
  async code(asking, note) {
    const code = await makeCode(asking);
    hold(code);
    note(`The customer’s browser is sent to ${code.place}`);
  },
  async exchange(asking, note) {
    const { code } = held, key = value("key");
    const answer = await asking("Exchange the code", exchangeRequest(code, key));
    if (answer.status !== 201) {
      return note(isAboutCode(answer) ? "Refused: the code is no good any more, such as when its time is over. The words are "
        + "the same for one that is unknown or spent." : NOT_ABOUT_CODE);
    }
    spend(answer, code, key);
    note("The code is spent now. The token is what the PSP calls the bank’s API with.");
  },
  async repeat(asking, note) {
    const answer = await asking("The same exchange, same key", exchangeRequest(held.code, value("key")));
    if (answer.status === 201) {
      note(answer.json.data.access_token === held.token ? "The same token: a lost answer costs no consent."
        : "Another token: please report this.");
      return;
    }
    if (!isAboutCode(answer)) return note(NOT_ABOUT_CODE);
    note("Not under this key, or too late for it: so it is a replay, as in step 5.");
    await lookUp(asking, "Look the token up");
  },
  async look(asking, note) {
    note(await lookUp(asking, "Look the token up") ? "Alive: the gateway lets the PSP in, for this scope and account."
      : "Not alive: the gateway lets nobody in, and learns no more.");
  },
  async replay(asking, note) {
    const answer = await asking("The same exchange, another key", exchangeRequest(held.code, newKey()));
    if (!isAboutCode(answer)) return note(NOT_ABOUT_CODE);
    note("Refused. The words are the same for a code that is unknown, expired or spent: a thief learns nothing.");
    note(await lookUp(asking, "Look the first token up") ? "Still alive: the code came too long after its end."
      : "The first token is void as well.");
  },
  async revoke(asking, note) {
    if (held.tokenState !== "alive") await exchange(asking, await liveCode(asking), newKey());
    await asking("Revoke the token", gateway("oauth2/revoke", held.token), 200);
    note(await lookUp(asking, "Look it up") ? "Still alive: please report this." : "Void, on every server that shares the store.");
  },
  async withdraw(asking, note) {
    await exchange(asking, await liveCode(asking), newKey(), "Exchange it");
    const unspent = await makeCode(asking, "Make another code, and leave it");
    await asking("Withdraw the consent", obie("consents/revoke", { consent_id: value("consent") }), 200);
    note(await lookUp(asking, "Look the token up") ? "Still alive: please report this." : "The token is void.");
    await asking("Exchange the code that was left", exchangeRequest(unspent, newKey()), 403);
    note("The code is void as well.");
  },
  async err(asking) {
    const [title, request] = MISTAKES[at("mistake").selectedIndex];
    await asking(title, request());
  },
};

const MISTAKES = mistakes({ client, obie, gateway, code: codeRequest });

at("mistake").append(...MISTAKES.map(([title]) => element("option", { textContent: title })));
for (const [id, work] of Object.entries(STEPS)) {
  const button = at(id);
  if (button.type === "button") button.addEventListener("click", () => run(button, work));
  // Enter in a field does what the button does.
  else button.form.addEventListener("submit", (event) => { event.preventDefault(); run(button, work); });
}
at("key").value = newKey();
at("steps").hidden = false;
update();
count();
