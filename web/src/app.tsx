// Which page is shown, and to whom.

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { lazy, type ReactNode, Suspense, useEffect } from "react";
import { Redirect, Route, Switch, useLocation } from "wouter";
import { Refused } from "./api/client";
import { SettingsKept, useSettings } from "./care/settings";
import { Button, Failed, Waiting } from "./design/parts";
import { Toasts } from "./design/toasts";
import { Keys } from "./keys/keys";
import { Live } from "./live/live";
import { Queue } from "./pages/queue/queue";
import { SettingsPage } from "./pages/settings/settings-page";
import { Wall } from "./pages/wall/wall";
import { type Session, SignedIn, useSessionQuery } from "./session/session";
import { SignIn, useSignOut } from "./session/sign-in";
import { Shell } from "./shell";

// What a moderator does not need within the first second.
const ChannelPage = lazy(() => import("./pages/channel/channel-page"));
const AuditPage = lazy(() => import("./pages/audit/audit-page"));
const TimePage = lazy(() => import("./pages/audit/time-page"));
const DecisionPage = lazy(() => import("./pages/audit/decision-page"));
const PoliciesPage = lazy(() => import("./pages/policies/policies-page"));
const PolicyPage = lazy(() => import("./pages/policies/policy-page"));
const OverviewPage = lazy(() => import("./pages/overview/overview-page"));
const ArenaPage = lazy(() => import("./pages/arena/arena-page"));

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // A refusal stays one however often it is asked again.
      retry: (count, error) => count < 2 && !(error instanceof Refused && error.status >= 400 && error.status < 500),
      staleTime: 5_000,
      refetchOnWindowFocus: true,
    },
  },
});

export function App() {
  return (
    <QueryClientProvider client={queries}>
      <SettingsKept>
        <Toasts>
          <PersonsKeys>
            <Door />
          </PersonsKeys>
        </Toasts>
      </SettingsKept>
    </QueryClientProvider>
  );
}

/** Keys as the person chose them. */
function PersonsKeys({ children }: { children: ReactNode }) {
  return <Keys characters={useSettings().settings.characterKeys}>{children}</Keys>;
}

function Door() {
  const query = useSessionQuery();
  if (query.data?.caller && !query.data.caller.permissions.includes("read")) {
    return <Outside session={query.data} id={query.data.caller.id} />;
  }
  if (query.data?.caller) {
    return (
      <SignedIn session={query.data} caller={query.data.caller}>
        <Live key={query.data.caller.id}>
          <Shell>
            <Suspense fallback={<Waiting what="Fetching the page" />}>
              <Pages />
            </Suspense>
          </Shell>
        </Live>
      </SignedIn>
    );
  }
  if (query.data) return <SignIn session={query.data} />;
  if (query.error)
    return <Failed what="Streamwarden does not answer." error={query.error} again={() => void query.refetch()} />;
  return <Waiting what="Opening" />;
}

/** Somebody whose role has nothing to look at here, such as a program that hands frames in. */
function Outside({ session, id }: { session: Session; id: string }) {
  const signOut = useSignOut();
  return (
    <main className="door card">
      <h1>Nothing to see here for {id}</h1>
      <p>
        The role of this token does not include looking at channels and warnings. Whoever keeps the tokens can change
        that.
      </p>
      {!session.ways.includes("open") && <Button onPress={signOut}>Sign out</Button>}
    </main>
  );
}

const TITLES: Record<string, string> = {
  wall: "Wall",
  queue: "Queue",
  channels: "Channel",
  audit: "Audit",
  decisions: "Decision",
  policies: "Policies",
  overview: "Overview",
  arena: "Providers",
  settings: "You",
};

function Pages() {
  const [path] = useLocation();
  useEffect(() => {
    document.title = `${TITLES[path.split("/")[1] ?? ""] ?? "Not found"} · Streamwarden`;
  }, [path]);
  return (
    <Switch>
      <Route path="/">
        <Redirect to="/wall" replace />
      </Route>
      <Route path="/sign-in">
        <Redirect to="/wall" replace />
      </Route>
      <Route path="/wall" component={Wall} />
      {/* One route for list and case: going from one to the other keeps what the list holds. */}
      <Route path="/queue/:id?">{({ id }) => <Queue id={id ?? null} />}</Route>
      <Route path="/cases/:id">{({ id }) => <Redirect to={`/queue/${id}`} replace />}</Route>
      <Route path="/channels/:channel">{({ channel }) => <ChannelPage channel={decodeURIComponent(channel)} />}</Route>
      <Route path="/audit" component={AuditPage} />
      <Route path="/audit/channels/:channel">
        {({ channel }) => <TimePage channel={decodeURIComponent(channel)} />}
      </Route>
      <Route path="/decisions/:frame">{({ frame }) => <DecisionPage frame={frame} />}</Route>
      <Route path="/policies" component={PoliciesPage} />
      <Route path="/policies/:policy">{({ policy }) => <PolicyPage policy={decodeURIComponent(policy)} />}</Route>
      <Route path="/overview" component={OverviewPage} />
      <Route path="/arena" component={ArenaPage} />
      <Route path="/settings" component={SettingsPage} />
      <Route>
        <p className="empty">There is no such page.</p>
      </Route>
    </Switch>
  );
}
