// Requests that are refused, each for a reason of its own: one row for each error that a browser can bring about.

const UNKNOWN_CODE = "0".repeat(32);

/** @param make how the console makes its requests
 *  @returns rows of what the list says and how the request is made */
export function mistakes({ client, obie, gateway, code }) {
  const headers = (request, more) => ({ ...request, headers: { ...request.headers, ...more } });
  const grant = () => obie("tokens", { grant_type: "client_credentials" });
  const wrong = () => ({ ...client(), secret: "not-the-secret" });
  return [
    ["A wrong secret", () => ({ ...grant(), user: wrong() })],
    ["No credentials", () => ({ ...grant(), user: undefined })],
    ["Another bank’s fi_reference_id", () => headers(grant(), { "fi_reference_id": "PSDGB-FCA-999999" })],
    ["A CCG token that nobody issued", () => code({}, "not-a-ccg-token")],
    ["A redirect URI that nobody registered", () => code({ redirect_uri: "https://elsewhere.example" })],
    ["A code that nobody made", () =>
      obie("tokens", { auth_code: UNKNOWN_CODE, redirect_uri: "https://www.google.com" }, "good-access-token")],
    ["Empty values", () => code({ consent_id: "", psu_account_id: "", redirect_uri: "", scope: "" })],
    ["A number instead of a text", () => code({ consent_id: 1 })],
    ["Version 2.0", () => headers(grant(), { "version": "2.0" })],
    ["A form instead of JSON", () =>
      ({ ...headers(grant(), { "Content-Type": "application/x-www-form-urlencoded" }), body: "grant_type=client_credentials" })],
    ["A body that is no JSON", () => ({ ...grant(), body: "{grant_type: client_credentials}" })],
    ["A grant type that is none", () => obie("tokens", { grant_type: "password" })],
    ["A body that says it is compressed", () => headers(grant(), { "Content-Encoding": "gzip" })],
    ["GET instead of POST", () => ({ method: "GET", path: "v1/obie/tokens" })],
    ["A method that is none", () => ({ method: "BREW", path: "v1/obie/tokens" })],
    ["A path that is none", () => ({ ...grant(), path: "v1/obie/token" })],
    ["A look-up with a wrong secret", () => ({ ...gateway("oauth2/introspect", "x"), user: wrong() })],
    ["A look-up of nothing", () => gateway("oauth2/introspect", "")],
  ];
}
