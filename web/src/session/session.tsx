// Who works here: asked of the server, never kept by a script. What a role may not do is not offered; the server
// refuses it all the same.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect } from "react";
import { answered, api, type Schemas, unauthenticated } from "../api/client";

export type Session = Schemas["Session2"];
export type Caller = Schemas["Known"];
export type Permission = Schemas["Permission"];

interface Who {
  session: Session;
  caller: Caller;
}

const Context = createContext<Who | null>(null);
export const SESSION = ["session"] as const;

/** The session, or why it cannot be known. */
export function useSessionQuery() {
  const client = useQueryClient();
  useEffect(() => {
    const again = () => void client.invalidateQueries({ queryKey: SESSION });
    unauthenticated.addEventListener("unauthenticated", again);
    return () => unauthenticated.removeEventListener("unauthenticated", again);
  }, [client]);
  return useQuery({
    queryKey: SESSION,
    queryFn: () => answered(api.GET("/v1/session")),
    refetchInterval: 60_000, // a session that ended is known within a minute, and at the next refusal
    retry: 2,
  });
}

export function SignedIn({ session, caller, children }: Who & { children: ReactNode }) {
  return <Context value={{ session, caller }}>{children}</Context>;
}

export function useWho(): Who {
  const who = useContext(Context);
  if (!who) throw new Error("outside of <SignedIn>");
  return who;
}

/** Whether the caller may, on that channel or, without one, on any. */
export function useMay(): (permission: Permission, channel?: string) => boolean {
  const { caller } = useWho();
  return (permission, channel) =>
    channel === undefined
      ? caller.permissions.includes(permission)
      : caller.grants.some((grant) => grant.permissions.includes(permission) && holds(grant.channels, channel));
}

/** As the server's channel patterns: `*` is any run of characters. */
export function holds(pattern: string, channel: string): boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "s").test(channel);
}
