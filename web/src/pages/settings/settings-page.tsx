// What a person may choose for themselves, and what they may do here.

import { type Settings, useSettings } from "../../care/settings";
import { Wide } from "../../design/parts";
import { useHasKeys } from "../../keys/keys";
import { useWho } from "../../session/session";

interface Choice<K extends keyof Settings> {
  name: K;
  title: string;
  about?: string;
  options: readonly { value: Settings[K]; text: string }[];
}

const CHOICES: readonly (Choice<"pictures"> | Choice<"reveal"> | Choice<"theme">)[] = [
  {
    name: "pictures",
    title: "Pictures of warnings",
    about:
      "Veiled ones are made coarse and grey by the server; the picture itself is not in your browser until you reveal it.",
    options: [
      { value: "veiled", text: "Veiled until revealed" },
      { value: "plain", text: "Shown at once" },
    ],
  },
  {
    name: "reveal",
    title: "Revealing",
    options: [
      { value: "hold", text: "For as long as it is held" },
      { value: "press", text: "Until pressed again" },
    ],
  },
  {
    name: "theme",
    title: "Theme",
    options: [
      { value: "system", text: "As the system" },
      { value: "light", text: "Light" },
      { value: "dark", text: "Dark" },
    ],
  },
];

export function SettingsPage() {
  const { settings, choose } = useSettings();
  const { caller, session } = useWho();
  const hasKeys = useHasKeys();
  return (
    <div className="stack settings">
      <h1>You</h1>
      {CHOICES.map((choice) => (
        <fieldset key={choice.name} className="card">
          <legend>{choice.title}</legend>
          {choice.options.map(({ value, text }) => (
            <label key={value} className="row">
              <input
                type="radio"
                name={choice.name}
                checked={settings[choice.name] === value}
                onChange={() => choose({ [choice.name]: value })}
              />
              {text}
            </label>
          ))}
          {choice.about && <p className="muted">{choice.about}</p>}
        </fieldset>
      ))}
      <fieldset className="card">
        <legend>Also</legend>
        <label className="row">
          <input type="checkbox" checked={settings.grey} onChange={(event) => choose({ grey: event.target.checked })} />
          Revealed pictures without colour
        </label>
        <label className="row">
          <input type="checkbox" checked={settings.goOn} onChange={(event) => choose({ goOn: event.target.checked })} />
          After an answer, open the next warning
        </label>
        <label className="row">
          <input
            type="checkbox"
            checked={settings.characterKeys}
            onChange={(event) => choose({ characterKeys: event.target.checked })}
          />
          Single letters and signs act as keys
        </label>
        <p className="muted">
          Switch this off where you speak to your computer, or press keys unawares; arrows, Enter, Escape and keys with
          Ctrl go on working, and everything has a button.
        </p>
      </fieldset>
      <section className="card stack">
        <h2>What you may do here</h2>
        <p>
          Your acts are recorded as <strong>{caller.id}</strong>.
        </p>
        <Wide label="Your roles">
          <table className="figures">
            <thead>
              <tr>
                <th scope="col">Role</th>
                <th scope="col">Channels</th>
              </tr>
            </thead>
            <tbody>
              {caller.grants.map((grant) => (
                <tr key={`${grant.role} ${grant.channels}`}>
                  <td>{grant.role}</td>
                  <td className="mono">{grant.channels}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Wide>
        <p className="muted">
          Streamwarden {session.version}. What these pages are made of, and{" "}
          <a href="/assets/licences.txt">under which licences</a>.
        </p>
        {hasKeys && settings.characterKeys && (
          <p className="muted">
            Press <kbd>?</kbd> anywhere for all keys.
          </p>
        )}
      </section>
    </div>
  );
}
