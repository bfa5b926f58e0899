// The door: a token of ours, or the way over the organisation's own sign-in.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useSearchParams } from "wouter";
import { answered, api, Refused, said } from "../api/client";
import { SESSION, type Session } from "./session";

const PROBLEMS: Record<string, string> = {
  denied: "The organisation's sign-in was not finished.",
  expired: "The sign-in took too long. Begin again.",
  unknown: "This answer belongs to no sign-in that was begun here.",
  refused: "What your organisation's sign-in answered does not hold here. Begin again; if it stays so, tell your operator.",
  no_role: "You are known, and nothing is granted here to the groups you are in. Ask your operator.",
  too_long: "Your organisation's token is too long for a browser to keep. Tell your operator.",
  unavailable: "Your organisation's sign-in cannot be reached at present. Try again in a moment.",
};

export function SignIn({ session }: { session: Session }) {
  const [token, setToken] = useState("");
  const [search] = useSearchParams();
  const client = useQueryClient();
  const signIn = useMutation({
    mutationFn: () => answered(api.POST("/v1/session", { body: { token: token.trim() } })),
    onSuccess: (now) => {
      setToken("");
      client.setQueryData(SESSION, now);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    signIn.mutate();
  };
  const problem = search.get("problem");
  const back = `${window.location.pathname}${window.location.search}`;
  return (
    <main className="door card">
      <img src="/assets/mark.svg" alt="" width="48" height="48" />
      <h1>Streamwarden</h1>
      {problem && (
        <p className="note" data-tone="broken" role="alert">
          {PROBLEMS[problem] ?? `The sign-in did not succeed (${problem}).`}
        </p>
      )}
      {session.ways.includes("oidc") && (
        <a
          className="button main"
          href={`/v1/session/oidc?return_to=${encodeURIComponent(back.startsWith("/sign-in") ? "/wall" : back)}`}
        >
          Sign in with your organisation
        </a>
      )}
      {session.ways.includes("tokens") && (
        <form className="stack" onSubmit={submit}>
          <label className="field">
            <span>Token</span>
            <input
              className="text"
              type="password"
              autoComplete="current-password"
              value={token}
              onChange={(event) => setToken(event.target.value)}
              required
            />
          </label>
          {signIn.error && (
            <p className="note" data-tone="broken" role="alert">
              {signIn.error instanceof Refused && signIn.error.status === 401
                ? "This token opens nothing here: it is mistyped, over, or was taken back."
                : said(signIn.error)}
            </p>
          )}
          <button
            type="submit"
            className={session.ways.includes("oidc") ? "button" : "button main"}
            disabled={signIn.isPending}
          >
            Sign in
          </button>
          <p className="muted">
            Whoever runs this server makes one with <code>streamwarden token</code>. It stays in a cookie that no script
            can read.
          </p>
        </form>
      )}
    </main>
  );
}

export function useSignOut(): () => void {
  const client = useQueryClient();
  const out = useMutation({
    mutationFn: () => answered(api.DELETE("/v1/session")),
    onSettled: () => {
      client.clear();
      window.location.assign("/sign-in");
    },
  });
  return () => out.mutate();
}
