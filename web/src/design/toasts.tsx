// What just happened, said once and aloud, in a corner. What must not be missed is on the page itself instead.

import { createContext, type ReactNode, useCallback, useContext, useRef, useState } from "react";
import type { Tone } from "../words/words";

const SHOWN_MS = 7_000;
const SHOWN_MAX = 4;

interface Toast {
  id: number;
  tone: Tone;
  text: ReactNode;
}

const Context = createContext<(tone: Tone, text: ReactNode) => void>(() => undefined);

export function Toasts({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<Toast[]>([]);
  const next = useRef(0);
  const say = useCallback((tone: Tone, text: ReactNode) => {
    const id = next.current++;
    setToasts((shown) => [...shown.slice(1 - SHOWN_MAX), { id, tone, text }]);
    setTimeout(() => setToasts((shown) => shown.filter((toast) => toast.id !== id)), SHOWN_MS);
  }, []);
  return (
    <Context value={say}>
      {children}
      <div className="toasts" role="status" aria-live="polite">
        {toasts.map((toast) => (
          <div key={toast.id} className="toast" data-tone={toast.tone}>
            <div>{toast.text}</div>
          </div>
        ))}
      </div>
    </Context>
  );
}

export function useSay(): (tone: Tone, text: ReactNode) => void {
  return useContext(Context);
}
