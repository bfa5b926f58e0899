// A stand-in for an organisation's OpenID Connect issuer, on a port of its own: a page where a person says who they are,
// a code exchanged once and only by who began (RFC 6749, RFC 7636), and a signed ID token. It believes whatever name is
// typed, which no issuer would.

import { createHash, generateKeyPairSync, type KeyObject, randomUUID, sign } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

interface Asked {
  redirect: string;
  challenge: string;
  nonce: string;
  name: string;
}

export const CLIENT = "pages-of-the-test";

export class Issuer {
  readonly #server: Server;
  readonly #key: KeyObject;
  readonly #keys: unknown;
  readonly #codes = new Map<string, Asked>();
  /** The groups of everybody who is known here. */
  readonly #groups: Record<string, string[]>;
  url = "";

  private constructor(groups: Record<string, string[]>) {
    const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
    this.#key = pair.privateKey;
    this.#keys = { keys: [{ ...pair.publicKey.export({ format: "jwk" }), kid: "only", use: "sig", alg: "RS256" }] };
    this.#groups = groups;
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  static async open(groups: Record<string, string[]>): Promise<Issuer> {
    const issuer = new Issuer(groups);
    await new Promise<void>((listens) => issuer.#server.listen(0, "127.0.0.1", listens));
    issuer.url = `http://127.0.0.1:${(issuer.#server.address() as AddressInfo).port}`;
    return issuer;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", this.url);
    const json = (body: unknown, status = 200) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    switch (url.pathname) {
      case "/.well-known/openid-configuration":
        return void json({
          issuer: this.url,
          jwks_uri: `${this.url}/keys`,
          authorization_endpoint: `${this.url}/authorize`,
          token_endpoint: `${this.url}/token`,
          response_types_supported: ["code"],
          subject_types_supported: ["public"],
          id_token_signing_alg_values_supported: ["RS256"],
          code_challenge_methods_supported: ["S256"],
        });
      case "/keys":
        return void json(this.#keys);
      case "/authorize":
        return void response.writeHead(200, { "content-type": "text/html" }).end(page(url.searchParams));
      case "/as":
        return this.#signIn(url.searchParams, response);
      case "/token":
        return void json(...this.#exchange(new URLSearchParams(await body(request))));
      default:
        return void json({ error: "no such place" }, 404);
    }
  }

  #signIn(said: URLSearchParams, response: ServerResponse): void {
    const get = (name: string) => said.get(name) ?? "";
    const code = randomUUID();
    this.#codes.set(code, {
      redirect: get("redirect_uri"),
      challenge: get("code_challenge"),
      nonce: get("nonce"),
      name: get("name"),
    });
    const back = new URL(get("redirect_uri"));
    back.searchParams.set("code", code);
    back.searchParams.set("state", get("state"));
    response.writeHead(302, { location: back.href }).end();
  }

  #exchange(said: URLSearchParams): [unknown, number] {
    const code = said.get("code") ?? "";
    const asked = this.#codes.get(code);
    this.#codes.delete(code);
    const challenge = createHash("sha256")
      .update(said.get("code_verifier") ?? "")
      .digest("base64url");
    if (!asked || asked.challenge !== challenge || asked.redirect !== said.get("redirect_uri"))
      return [{ error: "invalid_grant" }, 400];
    const now = Math.floor(Date.now() / 1_000);
    const claims = {
      iss: this.url,
      aud: CLIENT,
      sub: asked.name,
      nonce: asked.nonce,
      groups: this.#groups[asked.name] ?? [],
      iat: now,
      exp: now + 600,
    };
    const token = this.#signed(claims);
    return [{ id_token: token, access_token: "opaque", token_type: "Bearer", expires_in: 600 }, 200];
  }

  #signed(claims: unknown): string {
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const text = `${part({ alg: "RS256", typ: "JWT", kid: "only" })}.${part(claims)}`;
    return `${text}.${sign("sha256", Buffer.from(text), this.#key).toString("base64url")}`;
  }
}

function page(asked: URLSearchParams): string {
  const kept = ["redirect_uri", "state", "nonce", "code_challenge"]
    .map((name) => `<input type="hidden" name="${name}" value="${encodeURI(asked.get(name) ?? "")}">`)
    .join("");
  return `<!doctype html><html lang="en"><title>Stand-in issuer</title><h1>Stand-in issuer of a test</h1>
    <form action="/as">${kept}<label>Name <input name="name"></label> <button>Go on</button></form></html>`;
}

async function body(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const piece of request) text += piece;
  return text;
}
