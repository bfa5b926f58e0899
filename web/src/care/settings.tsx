// What each person chose for themselves, kept in their browser: how pictures are shown, which theme. Whether blurring
// helps anybody is not proven, and nothing here says that it does.

import { createContext, type ReactNode, useContext, useEffect, useState } from "react";

export interface Settings {
  /** Pictures of warnings: coarse and grey until revealed, or at once as they are. */
  pictures: "veiled" | "plain";
  /** Revealed for as long as it is held, or until pressed again. */
  reveal: "hold" | "press";
  /** Revealed pictures without their colours. */
  grey: boolean;
  theme: "system" | "light" | "dark";
  /** After an answer, the next warning is opened. */
  goOn: boolean;
  /** Keys that are characters alone (`d`, `?`, `g w`) are answered. */
  characterKeys: boolean;
}

const DEFAULT: Settings = {
  pictures: "veiled",
  reveal: "hold",
  grey: true,
  theme: "system",
  goOn: true,
  characterKeys: true,
};
const PLACE = "streamwarden.settings";

interface Choice {
  settings: Settings;
  choose: (change: Partial<Settings>) => void;
}

const Context = createContext<Choice>({ settings: DEFAULT, choose: () => undefined });

function kept(): Settings {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(PLACE) ?? "{}");
    if (typeof found !== "object" || found === null) return DEFAULT;
    const known = Object.entries(found).filter(
      ([name, value]) => name in DEFAULT && typeof value === typeof DEFAULT[name as keyof Settings],
    );
    return { ...DEFAULT, ...Object.fromEntries(known) };
  } catch {
    return DEFAULT; // a browser that keeps nothing, or something that is not ours
  }
}

export function SettingsKept({ children }: { children: ReactNode }) {
  const [settings, setSettings] = useState(kept);
  useEffect(() => {
    if (settings.theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = settings.theme;
  }, [settings.theme]);
  const choose = (change: Partial<Settings>) => {
    const next = { ...settings, ...change };
    setSettings(next);
    try {
      localStorage.setItem(PLACE, JSON.stringify(next));
    } catch {
      // kept until the page is closed
    }
  };
  return <Context value={{ settings, choose }}>{children}</Context>;
}

export function useSettings(): Choice {
  return useContext(Context);
}
