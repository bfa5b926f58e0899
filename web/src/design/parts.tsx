// The small parts that every page is made of.

import type { ButtonHTMLAttributes, ReactNode } from "react";
import { said } from "../api/client";
import { ariaShortcut, type BindingId, bindingOf } from "../keys/bindings";
import { Hint, useIsAnswered, useKey } from "../keys/keys";
import { fullMoment, moment } from "../words/time";
import type { Tone } from "../words/words";
import { Icon, type IconName } from "./icons";

type ButtonLook = "main" | "plain";

interface ButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "onClick" | "type"> {
  onPress: () => void;
  look?: ButtonLook;
  /** The key that does the same; printed on the button, and listened for while it is there. */
  binding?: BindingId;
}

export function Button({ onPress, look, binding, children, className, disabled, ...rest }: ButtonProps) {
  const classes = ["button", look, className].filter(Boolean).join(" ");
  const shortcut = useShortcut(binding);
  return (
    <button
      type="button"
      className={classes}
      disabled={disabled}
      onClick={onPress}
      aria-keyshortcuts={shortcut}
      {...rest}
    >
      {children}
      {binding && <BoundKey binding={binding} press={onPress} enabled={!disabled} />}
    </button>
  );
}

function BoundKey({ binding, press, enabled }: { binding: BindingId; press: () => void; enabled: boolean }) {
  useKey(binding, press, { enabled });
  return <Hint of={binding} />;
}

/** What `aria-keyshortcuts` says of a key that is answered. */
function useShortcut(binding: BindingId | undefined): string | undefined {
  const answered = useIsAnswered(binding ?? "help");
  return binding && answered ? ariaShortcut(bindingOf(binding).keys) : undefined;
}

const SHAPES: Record<Tone, IconName> = {
  calm: "tick",
  quiet: "dash",
  warn: "triangle",
  grave: "octagon",
  broken: "bolt",
  shadow: "ghost",
};

export function Badge({
  tone,
  icon,
  children,
  title,
}: {
  tone: Tone;
  icon?: IconName;
  children: ReactNode;
  title?: string;
}) {
  return (
    <span className="badge" data-tone={tone} title={title}>
      <Icon name={icon ?? SHAPES[tone]} />
      {children}
    </span>
  );
}

/** A moment, with all of it in its title. */
export function Moment({ at }: { at: string | number }) {
  return (
    <time className="number" dateTime={new Date(at).toISOString()} title={fullMoment(at)}>
      {moment(at)}
    </time>
  );
}

/** Something did not work: what, and what the server said. Never mistaken for "nothing there". */
export function Failed({ what, error, again }: { what: string; error: unknown; again?: () => void }) {
  return (
    <div className="note" data-tone="broken" role="alert">
      <p>
        <strong>{what}</strong> {said(error)}
      </p>
      {again && (
        <p>
          <Button onPress={again}>Try again</Button>
        </p>
      )}
    </div>
  );
}

export function Waiting({ what }: { what: string }) {
  return (
    <p className="muted" role="status">
      {what}…
    </p>
  );
}

/** What a query brought, or why it did not, in the same place. */
export function Loaded<T>({
  query,
  what,
  children,
}: {
  query: { data?: T; error: unknown; isPending: boolean; refetch: () => unknown };
  what: string;
  children: (data: T) => ReactNode;
}) {
  if (query.data !== undefined) {
    return (
      <>
        {query.error ? (
          <Failed
            what={`${what} could not be brought up to date; this is how it was.`}
            error={query.error}
            again={() => void query.refetch()}
          />
        ) : null}
        {children(query.data)}
      </>
    );
  }
  if (query.error)
    return <Failed what={`${what} could not be had.`} error={query.error} again={() => void query.refetch()} />;
  return <Waiting what={`Asking for ${what.charAt(0).toLowerCase()}${what.slice(1)}`} />;
}

/** What may be wider than the page: scrolls by itself, by keys too, and says what it is. */
export function Wide({ label, children }: { label: string; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a section inside a section would be in the outline twice
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys
    <div className="scroll-x" role="region" aria-label={label} tabIndex={0}>
      {children}
    </div>
  );
}
