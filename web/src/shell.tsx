// Around every page: where one can go, whether the feed lives, who works here.

import { type ReactNode, useEffect, useRef, useState } from "react";
import { Link, useLocation } from "wouter";
import { Dialog } from "./design/dialog";
import { Icon, type IconName } from "./design/icons";
import { Badge, Button, Moment } from "./design/parts";
import { BINDINGS, type BindingId, type Place } from "./keys/bindings";
import { Hint, Key, useKey } from "./keys/keys";
import { useLink, useLive, useNow, useWarningsVersion } from "./live/live";
import { openWarnings, overdue } from "./pages/queue/order";
import { useWho } from "./session/session";
import { useSignOut } from "./session/sign-in";
import { lasting } from "./words/time";

interface Door {
  to: string;
  name: string;
  icon: IconName;
  binding: BindingId;
}

const DOORS: readonly Door[] = [
  { to: "/wall", name: "Wall", icon: "wall", binding: "go_wall" },
  { to: "/queue", name: "Queue", icon: "list", binding: "go_queue" },
  { to: "/overview", name: "Overview", icon: "chart", binding: "go_overview" },
  { to: "/audit", name: "Audit", icon: "scroll", binding: "go_audit" },
  { to: "/policies", name: "Policies", icon: "book", binding: "go_policies" },
  { to: "/settings", name: "You", icon: "person", binding: "go_settings" },
];

export function Shell({ children }: { children: ReactNode }) {
  const link = useLink();
  const [path] = useLocation();
  const main = useRef<HTMLElement>(null);
  const page = path.split("/")[1];
  // A new page is announced and read from its beginning; moving within one is not.
  // biome-ignore lint/correctness/useExhaustiveDependencies: on every new page
  useEffect(() => main.current?.focus({ preventScroll: true }), [page]);
  return (
    <div className="shell" data-link={link}>
      <a href="#main" className="unseen">
        Skip to the page
      </a>
      <Top />
      <nav className="rail" aria-label="Pages">
        <ul>
          {DOORS.map((door) => (
            <DoorLink key={door.to} {...door} here={path.startsWith(door.to)} />
          ))}
        </ul>
      </nav>
      <main id="main" ref={main} tabIndex={-1}>
        <LostBanner />
        {children}
      </main>
      <Help />
    </div>
  );
}

function DoorLink({ to, name, icon, binding, here }: Door & { here: boolean }) {
  const [, navigate] = useLocation();
  useKey(binding, () => navigate(to));
  return (
    <li>
      <Link href={to} aria-current={here ? "page" : undefined}>
        <Icon name={icon} />
        {name}
        <Hint of={binding} />
      </Link>
    </li>
  );
}

function Top() {
  const { caller, session } = useWho();
  const live = useLive();
  const link = useLink();
  useWarningsVersion();
  const now = useNow();
  const open = openWarnings(live.warnings(), live.everReady());
  const late = open ? overdue(open, now) : 0;
  const signOut = useSignOut();
  return (
    <header className="top">
      <Link href="/wall" className="mark">
        <img src="/assets/mark.svg" alt="" />
        Streamwarden
      </Link>
      <output className="row" aria-label="State of the queue">
        {open === null ? (
          <Badge tone="broken">warnings unknown</Badge>
        ) : open.length === 0 ? (
          <Badge tone={link === "live" ? "calm" : "quiet"}>no open warnings</Badge>
        ) : (
          <Badge tone={late ? "grave" : "warn"}>{open.length} open</Badge>
        )}
        {late > 0 && (
          <Badge tone="grave" icon="clock">
            {late} overdue
          </Badge>
        )}
      </output>
      <span className="spacer" />
      <FeedState now={now} />
      {session.ways.includes("open") && (
        <Badge
          tone="quiet"
          icon="person"
          title="This server asks nobody who they are: everybody at this machine may do everything."
        >
          open to this machine
        </Badge>
      )}
      <span className="muted">{caller.id}</span>
      {!session.ways.includes("open") && (
        <Button look="plain" onPress={signOut}>
          Sign out
        </Button>
      )}
    </header>
  );
}

function FeedState({ now }: { now: number }) {
  const live = useLive();
  const link = useLink();
  const text = link === "live" ? "live" : link === "connecting" ? "connecting" : "feed lost";
  return (
    <Badge
      tone={link === "live" ? "calm" : link === "connecting" ? "quiet" : "grave"}
      icon={link === "live" ? "link" : "bolt"}
      title={`The server's clock says ${new Date(now).toLocaleTimeString()}. The journal's head is ${live.head()}.`}
    >
      {text}
    </Badge>
  );
}

/** At once, and until it is over: what is shown is not now. */
function LostBanner() {
  const live = useLive();
  const link = useLink();
  const now = useNow();
  if (link !== "lost") return null;
  const heard = live.heardAt();
  return (
    <div className="lost-banner" role="alert">
      <Icon name="bolt" />
      <span>
        The live feed is broken.{" "}
        {heard ? (
          <>
            What you see is as of <Moment at={heard} />, {lasting(now - heard)} ago;
          </>
        ) : (
          "Nothing has been heard yet;"
        )}{" "}
        silence here does not mean that all is quiet. Trying again.
      </span>
    </div>
  );
}

const PLACES: Record<Place, string> = {
  everywhere: "Everywhere",
  list: "In lists",
  case: "At a case",
  audit: "In the audit",
  policy: "At a policy",
  dialog: "In a dialog",
};

function Help() {
  const [open, setOpen] = useState(false);
  useKey("help", () => setOpen(true));
  const of = (place: Place) =>
    (Object.keys(BINDINGS) as BindingId[]).filter((id) => (BINDINGS[id].places as readonly Place[])[0] === place);
  return (
    <Dialog
      open={open}
      onClose={() => setOpen(false)}
      title="Keys"
      wide
      foot={<Button onPress={() => setOpen(false)}>Close</Button>}
    >
      <div className="help">
        {(Object.keys(PLACES) as Place[]).map((place) => (
          <section key={place}>
            <h3>{PLACES[place]}</h3>
            <dl className="facts">
              {of(place).map((id) => (
                <div key={id} className="help-row">
                  <dt>
                    <Key of={id} />
                    <span className="unseen">{BINDINGS[id].keys}</span>
                  </dt>
                  <dd>{BINDINGS[id].does}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <p className="muted">Keys are off while you write. Letters and signs alone can be switched off under You.</p>
    </Dialog>
  );
}

/** For what needs a permission that the caller has not. */
export function NotYours({ what }: { what: string }) {
  return <p className="empty">Your role does not include {what}. Whoever keeps the tokens can change that.</p>;
}
