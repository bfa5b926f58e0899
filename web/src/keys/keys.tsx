// Listens for keys, and prints them. A component says which binding it answers, by id; the newest that answers wins,
// and while a dialog is open only keys of dialogs are answered.

import { createContext, type ReactNode, useContext, useEffect, useEffectEvent, useMemo, useState } from "react";
import { BINDINGS, type BindingId, bindingOf, isOfCharacters, printed } from "./bindings";

interface Answer {
  press: () => void;
  release?: () => void;
}

/** A second key must follow the first within this time. */
const SEQUENCE_MS = 1_200;

class Keyboard {
  #answers = new Map<BindingId, Answer[]>();
  #begun: string | null = null;
  #begunAt = 0;
  #held = new Set<BindingId>();

  answer(id: BindingId, answer: Answer): () => void {
    const stack = this.#answers.get(id) ?? [];
    stack.push(answer);
    this.#answers.set(id, stack);
    return () => {
      const at = stack.indexOf(answer);
      if (at >= 0) stack.splice(at, 1);
      if (this.#held.delete(id)) answer.release?.();
    };
  }

  readonly down = (event: KeyboardEvent): void => {
    if (event.isComposing || event.key === "Shift" || event.key === "Control") return;
    const chord = chordOf(event);
    const writing = isWriting(event.target);
    const dialog = document.querySelector("[role=dialog],[role=alertdialog]") !== null;
    const begun = this.#begun && performance.now() - this.#begunAt < SEQUENCE_MS ? this.#begun : null;
    this.#begun = null;
    const wanted = begun ? `${begun} ${chord}` : chord;
    for (const id of Object.keys(BINDINGS) as BindingId[]) {
      const binding = bindingOf(id);
      if (dialog !== binding.places.includes("dialog")) continue;
      if (writing && !binding.whileWriting) continue;
      if (!begun && binding.keys.startsWith(`${chord} `) && this.#top(id)) {
        this.#begun = chord;
        this.#begunAt = performance.now();
        event.preventDefault();
        return;
      }
      if (binding.keys !== wanted) continue;
      const answer = this.#top(id);
      if (!answer) continue;
      // A button that has the focus is pressed by Enter itself.
      if (binding.keys === "Enter" && event.target instanceof Element && event.target.closest("button,a,summary"))
        return;
      event.preventDefault();
      if (event.repeat) return; // a key kept down is one act
      if (binding.held) this.#held.add(id);
      answer.press();
      return;
    }
  };

  readonly up = (event: KeyboardEvent): void => {
    for (const id of this.#held) {
      if (bindingOf(id).keys.toLowerCase() !== event.key.toLowerCase()) continue;
      this.#held.delete(id);
      this.#top(id)?.release?.();
    }
  };

  /** The window is left with a key down: it is let go. */
  readonly blur = (): void => {
    for (const id of this.#held) this.#top(id)?.release?.();
    this.#held.clear();
  };

  #top(id: BindingId): Answer | undefined {
    return this.#answers.get(id)?.at(-1);
  }
}

function chordOf(event: KeyboardEvent): string {
  const ctrl = event.ctrlKey || event.metaKey ? "Ctrl+" : event.altKey ? "Alt+" : "";
  // With CapsLock a letter comes as a capital; what counts is whether Shift is down.
  if (!/^[a-z]$/i.test(event.key)) return `${ctrl}${event.key}`;
  return event.shiftKey ? `${ctrl}Shift+${event.key.toUpperCase()}` : `${ctrl}${event.key.toLowerCase()}`;
}

function isWriting(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !["checkbox", "radio", "button", "range"].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable;
}

const Context = createContext<{ keyboard: Keyboard | null; characters: boolean }>({ keyboard: null, characters: true });

/** `characters`: whether keys that are characters alone are answered; the others always are. */
export function Keys({ characters = true, children }: { characters?: boolean; children: ReactNode }) {
  const keyboard = useMemo(() => new Keyboard(), []);
  useEffect(() => {
    document.addEventListener("keydown", keyboard.down);
    document.addEventListener("keyup", keyboard.up);
    window.addEventListener("blur", keyboard.blur);
    return () => {
      document.removeEventListener("keydown", keyboard.down);
      document.removeEventListener("keyup", keyboard.up);
      window.removeEventListener("blur", keyboard.blur);
    };
  }, [keyboard]);
  const value = useMemo(() => ({ keyboard, characters }), [keyboard, characters]);
  return <Context value={value}>{children}</Context>;
}

/** Answers a key while the component is there and `enabled`. */
export function useKey(
  id: BindingId,
  press: () => void,
  options: { enabled?: boolean; release?: () => void } = {},
): void {
  const { keyboard } = useContext(Context);
  const { release } = options;
  const enabled = useIsAnswered(id) && (options.enabled ?? true);
  const onPress = useEffectEvent(press);
  const onRelease = useEffectEvent(() => release?.());
  useEffect(() => {
    if (!enabled || !keyboard) return;
    return keyboard.answer(id, { press: () => onPress(), release: () => onRelease() });
  }, [keyboard, id, enabled]);
}

/** Whether the key is one that this person wants answered. */
export function useIsAnswered(id: BindingId): boolean {
  const { characters } = useContext(Context);
  return characters || !isOfCharacters(bindingOf(id).keys);
}

/** A key, as it is printed on what it does; nothing where it is not answered, or where the pointer is a finger. */
export function Hint({ of: id }: { of: BindingId }) {
  const hasKeys = useHasKeys();
  return useIsAnswered(id) && hasKeys ? <Key of={id} /> : null;
}

/** A key, as it is printed on what it does. */
export function Key({ of: id }: { of: BindingId }) {
  return (
    <span className="key" aria-hidden="true">
      {printed(bindingOf(id).keys).map((part) => (
        <kbd key={part}>{part}</kbd>
      ))}
    </span>
  );
}

/** Whether the pointer is a finger: then no keys are printed. */
export function useHasKeys(): boolean {
  const [has, setHas] = useState(() => !window.matchMedia("(pointer: coarse)").matches);
  useEffect(() => {
    const media = window.matchMedia("(pointer: coarse)");
    const change = () => setHas(!media.matches);
    media.addEventListener("change", change);
    return () => media.removeEventListener("change", change);
  }, []);
  return has;
}
