// A whole house for a test: the real program over a journal on disk, with the local model, real pictures, and the
// stand-in that says that streams stop. Ends with the test.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { CLIENT } from "./issuer";

const REPOSITORY = resolve(import.meta.dirname, "../..");
const TARGET = process.env.CARGO_TARGET_DIR ?? join(REPOSITORY, "target");
const PROGRAM = process.env.STREAMWARDEN ?? join(TARGET, "debug/streamwarden");

/** Warns of what the local model is unsure of: the coffee photographs of the demo. */
export const POLICY = `
policy: studio
version: 1
title: Studio channels of the tests
channels: { matching: ^studio/ }
taxonomy: local-nudity/1
sampling: { every: 1s, reassess_after: 20s }
similarity: off
rules:
  - id: review-band
    categories: [Preliminary Nudity]
    confidence: 20
    action: warn
    severity: 2
    cooldown: 1s
  - id: stop-when-upheld
    categories: [Preliminary Nudity]
    confidence: 35
    action: stop
    approval: person
    severity: 4
    cooldown: 1s
`;

export type Role = "admin" | "moderator" | "viewer" | "auditor" | "policy_author" | "appeal_reviewer";

interface Settings {
  policy?: string | null;
  /** Seconds in which an answer can be taken back. */
  undo?: number;
  /** Requests a second, where a load needs more than a person. */
  rates?: Partial<Record<"read" | "write" | "ingest", number>>;
  /** Where people are known, besides by tokens. Its moderators are ours. */
  issuer?: string;
}

export class House {
  readonly #directory: string;
  #child: ChildProcess | null = null;
  url = "";
  #port = 0;
  #admin = "";
  #undo = 30;
  #rates: NonNullable<Settings["rates"]> = {};
  #issuer: string | null = null;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async open(settings: Settings = {}): Promise<House> {
    const house = new House(mkdtempSync(join(tmpdir(), "streamwarden-pages-")));
    house.#undo = settings.undo ?? 30;
    house.#rates = settings.rates ?? {};
    house.#issuer = settings.issuer ?? null;
    // Where browsers are sent back to must be known before the house stands there.
    if (house.#issuer) house.#port = await freePort();
    house.#admin = house.token("admin", "admin");
    house.#configure();
    await house.start();
    if (settings.policy !== null) await house.publish(settings.policy ?? POLICY);
    return house;
  }

  #configure(): void {
    const rates = Object.entries(this.#rates)
      .map(([kind, per_s]) => `${kind} = { per_s = ${per_s}, burst = ${per_s} }`)
      .join("\n");
    const issuer = this.#issuer
      ? `
[auth.oidc]
issuer = ${JSON.stringify(this.#issuer)}
audiences = [${JSON.stringify(CLIENT)}]
accepts = "id"
groups_claim = "groups"
grants = [{ group = "moderators", role = "moderator", channels = ["*"] }]
[auth.oidc.sign_in]
client_id = ${JSON.stringify(CLIENT)}
[http.pages]
public_url = "http://127.0.0.1:${this.#port}"`
      : "";
    const text = `
[data]
directory = ${JSON.stringify(join(this.#directory, "data"))}
[listen]
address = "127.0.0.1:${this.#port}"
[auth]
ways = ["tokens"${this.#issuer ? ', "oidc"' : ""}]
tokens_file = ${JSON.stringify(this.#tokensFile)}
[provider]
local_model = ${JSON.stringify(join(REPOSITORY, "models/open-nsfw.onnx"))}
[control]
platform = "rehearsal"
[moderation]
undo_s = ${this.#undo}
${issuer}
[http.rates]
${rates}
`;
    writeFileSync(this.#config, text);
  }

  get #tokensFile(): string {
    return join(this.#directory, "tokens.toml");
  }

  get #config(): string {
    return join(this.#directory, "streamwarden.toml");
  }

  /** A token for a person of that role, made as an operator makes one. */
  token(name: string, role: Role, channels = "*"): string {
    const args = [
      "token",
      "create",
      "--name",
      name,
      "--role",
      role.replaceAll("_", "-"),
      "--channels",
      channels,
      "--file",
      this.#tokensFile,
    ];
    return (
      execFileSync(PROGRAM, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
        .trim()
        .split(/\s+/)
        .at(-1) ?? ""
    );
  }

  /** Waits until the server takes a token that was made just now: it reads the file again within a second. */
  async taken(token: string): Promise<void> {
    const known = async () => {
      const session = await fetch(`${this.url}/v1/session`, { headers: { authorization: `Bearer ${token}` } });
      return ((await session.json()) as { caller?: unknown }).caller != null;
    };
    while (!(await known())) await new Promise((done) => setTimeout(done, 50));
  }

  /** Takes every token of that name back. */
  revoke(name: string): void {
    const run = (...args: string[]) =>
      execFileSync(PROGRAM, ["token", ...args, "--file", this.#tokensFile], { encoding: "utf8" });
    for (const line of run("list").split("\n"))
      if (line.includes(name)) run("revoke", line.trim().split(/\s+/)[0] ?? "");
  }

  async start(): Promise<void> {
    const child = spawn(PROGRAM, ["serve", "--config", this.#config], {
      stdio: ["ignore", "pipe", "pipe"],
      cwd: REPOSITORY,
    });
    this.#child = child;
    const errors: string[] = [];
    createInterface({ input: child.stderr }).on("line", (line) => errors.push(line));
    const said = createInterface({ input: child.stdout });
    this.url = await new Promise((found, failed) => {
      said.on("line", (line) => {
        const url = /^listening on (\S+)/.exec(line)?.[1];
        if (url) found(url);
      });
      child.on("exit", (code) => failed(new Error(`the program ended with ${code}: ${errors.join("\n")}`)));
    });
    // The same place after a restart, so that a page that is open finds it again.
    this.#port = Number(new URL(this.url).port);
    this.#configure();
  }

  /** Ends the program at once, as a crash does. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    this.#child = null;
    const over = new Promise((done) => child.once("exit", done));
    child.kill("SIGKILL");
    await over;
  }

  async close(): Promise<void> {
    await this.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async ask(
    method: string,
    path: string,
    body?: unknown,
    token = this.#admin,
    type = "application/json",
  ): Promise<unknown> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { "content-type": type }) },
      body: body === undefined ? undefined : body instanceof Uint8Array ? Buffer.from(body) : JSON.stringify(body),
    });
    const answer: unknown = response.status === 204 ? null : await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
    return answer;
  }

  publish(text: string): Promise<unknown> {
    return this.ask("POST", "/v1/policies", { text, why: "for the test" });
  }

  /** A broadcast begins; its name comes back. */
  async goLive(channel: string, session = `${channel.replaceAll("/", "-")}-${Date.now()}`): Promise<string> {
    await this.ask("POST", `/v1/channels/${encodeURIComponent(channel)}/sessions`, { session });
    return session;
  }

  async endLive(channel: string, session: string): Promise<void> {
    await this.ask(
      "POST",
      `/v1/channels/${encodeURIComponent(channel)}/sessions/${encodeURIComponent(session)}/end`,
      {},
    );
  }

  /** Hands a real picture in; the frame is judged when this returns. */
  async show(
    channel: string,
    picture: Uint8Array,
    capturedAt = new Date(),
  ): Promise<{ frame: string; verdict: string | null; position: number }> {
    const path = `/v1/channels/${encodeURIComponent(channel)}/frames?captured_at=${capturedAt.toISOString()}`;
    return (await this.ask("POST", path, picture, this.#admin, "image/jpeg")) as Awaited<ReturnType<House["show"]>>;
  }

  /** A broadcast that raises warnings: a clear picture, then ones the model is unsure of. */
  async warn(channel: string): Promise<string> {
    const session = await this.goLive(channel);
    const begun = Date.now();
    await this.show(channel, CLEAR, new Date(begun));
    await this.show(channel, UNSURE, new Date(begun + 1_000));
    // The queue is a fold behind the journal: what is durable is there a moment later.
    while ((await this.warnings()).items.filter((it) => it.channel === channel).length < 2) {
      await new Promise((done) => setTimeout(done, 20));
    }
    return session;
  }

  warnings(): Promise<{
    items: { warning: string; channel: string; rule: string; standing: string; version: number }[];
  }> {
    return this.ask("GET", "/v1/warnings?state=all") as ReturnType<House["warnings"]>;
  }

  events(type: string): Promise<{ items: { type: string; actor: string; payload: Record<string, unknown> }[] }> {
    return this.ask("GET", `/v1/events?type=${type}&limit=200`) as ReturnType<House["events"]>;
  }
}

/** A port that nobody listens on at present. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listens) => server.listen(0, "127.0.0.1", listens));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

function footage(channel: string): Uint8Array[] {
  const folder = join(REPOSITORY, "demo/footage", channel);
  return readdirSync(folder)
    .filter((name) => name.endsWith(".jpg"))
    .sort()
    .map((name) => readFileSync(join(folder, name)));
}

const COFFEE = footage("borderline");
/** What the local model is sure of, and what it is not. */
export const CLEAR: Uint8Array = footage("rocket-still")[0] as Uint8Array;
export const UNSURE: Uint8Array = COFFEE[9] as Uint8Array;
