// Sends what oauth4webapi sends, through the adapter of docs/integrating.md: node oauth4webapi.js ADAPTER ASKED
//
// The library is not in Debian. Its form encoding is written down here: encodeURIComponent, then also - _ . ! ~ * ' ( ).
"use strict";
const assert = require("assert");
const asked = JSON.parse(process.argv[3]);
const obieFetch = new Function("institution", process.argv[2] + "\nreturn obieFetch(institution);")(asked.institution);

const formEncoded = (text) =>
  encodeURIComponent(text).replace(/[-_.!~*'()]|%20/g, (found) =>
    found === "%20" ? "+" : "%" + found.charCodeAt(0).toString(16).toUpperCase());
const basic = (client, secret) => "Basic " + btoa(`${formEncoded(client)}:${formEncoded(secret)}`);

// As its token endpoint request: fetch or what [customFetch] names, with a form.
async function request(fetching, url, form, secret, headers = {}) {
  const answer = await fetching(url, {
    method: "POST",
    headers: { ...headers, accept: "application/json", authorization: basic(asked.client, secret),
      "content-type": "application/x-www-form-urlencoded;charset=UTF-8" },
    body: new URLSearchParams(form),
    redirect: "manual",
  });
  return [answer.status, await answer.json()];
}

(async () => {
  const tokens = (base) => new URL("/v1/obie/tokens", base);
  assert.strictEqual(basic("a-b", "c d"), "Basic " + btoa("a%2Db:c+d"));
  let [status, body] = await request(obieFetch, tokens(asked.url), { grant_type: "client_credentials" }, asked.secret);
  assert.deepStrictEqual([status, body.access_token], [200, asked.ccg], JSON.stringify(body));

  const exchange = { grant_type: "authorization_code", code: asked.code, redirect_uri: asked.redirect };
  const keyed = { ccg_token: asked.ccg, "x-idempotency-key": crypto.randomUUID() };
  await assert.rejects(request(obieFetch, tokens(asked.relay), exchange, asked.secret, keyed), /fetch failed/);
  [status, body] = await request(obieFetch, tokens(asked.relay), exchange, asked.secret, keyed);
  assert.deepStrictEqual([status, body.token_type], [200, "bearer"], JSON.stringify(body));

  const introspection = new URL("/oauth2/introspect", asked.url);
  const [found, token] = await request(obieFetch, introspection, { token: body.access_token }, asked.secret);
  assert.deepStrictEqual([found, token.active], [200, true], JSON.stringify(token));
  [status, body] = await request(obieFetch, tokens(asked.url), exchange, "wrong", keyed);
  assert.deepStrictEqual([status, body.error], [401, "authentication_error"], JSON.stringify(body));
})().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
