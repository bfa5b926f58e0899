// The editor of a policy's text: validated by the server as somebody writes, with completion. A chunk of its own, which
// only those load who write.
//
// It lives in a shadow root, because the editor's library writes its own styles: into a shadow root it does so as a
// constructed style sheet, which the pages' policy allows, and else as a style element, which it does not.

import {
  autocompletion,
  type CompletionContext,
  type CompletionResult,
  completionKeymap,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, foldGutter, indentUnit } from "@codemirror/language";
import { type Diagnostic, forceLinting, linter, lintGutter, lintKeymap } from "@codemirror/lint";
import { EditorState, Prec } from "@codemirror/state";
import {
  Decoration,
  EditorView,
  highlightActiveLine,
  keymap,
  lineNumbers,
  MatchDecorator,
  ViewPlugin,
  type ViewUpdate,
} from "@codemirror/view";
import { type Ref, useEffect, useEffectEvent, useImperativeHandle, useRef } from "react";
import { wantedAt } from "./completion";
import { type Checked, check, type Mistake, type Taxonomy } from "./policies";

const PAUSE_MS = 350;

export interface EditorHandle {
  /** Puts the cursor at a line and column, both from 1. */
  show: (line: number, column: number) => void;
}

interface EditorProps {
  /** What it begins with. From then on the text is the editor's: another one needs another editor. */
  text: string;
  taxonomies: readonly Taxonomy[];
  label: string;
  onText: (text: string) => void;
  /** What the server says of the text, or why it says nothing. */
  onChecked: (checked: Checked | null, error: unknown) => void;
  ref?: Ref<EditorHandle>;
}

export default function Editor({ text, taxonomies, label, onText, onChecked, ref }: EditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const texted = useEffectEvent(onText);
  const checked = useEffectEvent(onChecked);
  const known = useEffectEvent(() => taxonomies);
  const initial = useEffectEvent(() => ({ text, label }));
  useEffect(() => {
    const at = host.current;
    if (!at) return;
    const root = at.shadowRoot ?? at.attachShadow({ mode: "open" });
    const { text, label } = initial();
    const editor = new EditorView({
      parent: root as unknown as HTMLElement,
      root,
      state: EditorState.create({
        doc: text,
        extensions: [
          lineNumbers(),
          foldGutter(),
          history(),
          bracketMatching(),
          highlightActiveLine(),
          yaml(),
          indentUnit.of("  "),
          COLOURS,
          THEME,
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false" }),
          autocompletion({ override: [(context) => complete(context, known())], icons: false }),
          linter(
            async (view) => {
              const written = view.state.doc.toString();
              try {
                const answer = await check(written);
                checked(answer, null);
                return answer.mistakes.map((mistake) => diagnosticOf(mistake, view.state));
              } catch (error) {
                checked(null, error);
                return [];
              }
            },
            { delay: PAUSE_MS },
          ),
          lintGutter(),
          // The page's own keys; the editor makes nothing of them.
          Prec.highest(
            keymap.of([
              { key: "Mod-Enter", run: () => true },
              { key: "Mod-s", run: () => true },
            ]),
          ),
          keymap.of([...defaultKeymap, ...historyKeymap, ...completionKeymap, ...lintKeymap]),
          EditorView.updateListener.of((update) => update.docChanged && texted(update.state.doc.toString())),
        ],
      }),
    });
    view.current = editor;
    forceLinting(editor);
    // Out of a shadow root the page sees no text field, and would take what is written for its own keys.
    const keep = (event: KeyboardEvent) => {
      if (!event.ctrlKey && !event.metaKey) event.stopPropagation();
    };
    at.addEventListener("keydown", keep);
    return () => {
      at.removeEventListener("keydown", keep);
      view.current = null;
      editor.destroy();
    };
  }, []);
  useImperativeHandle(ref, () => ({
    show: (line, column) => {
      const editor = view.current;
      if (!editor) return;
      const anchor = placeOf(editor.state, line, column);
      editor.dispatch({ selection: { anchor }, effects: EditorView.scrollIntoView(anchor, { y: "center" }) });
      editor.focus();
    },
  }));
  return <div ref={host} className="policy-editor" />;
}

function placeOf(state: EditorState, line: number, column: number): number {
  const at = state.doc.line(Math.min(state.doc.lines, Math.max(1, line)));
  return Math.min(at.to, at.from + Math.max(0, column - 1));
}

function diagnosticOf(mistake: Mistake, state: EditorState): Diagnostic {
  const from = placeOf(state, mistake.line, mistake.column);
  const word = /^["']?[\w.*/-]*["']?/.exec(state.doc.sliceString(from, state.doc.lineAt(from).to))?.[0].length ?? 0;
  return {
    from,
    to: Math.min(state.doc.length, from + Math.max(1, word)),
    severity: mistake.severity === "note" ? "info" : mistake.severity,
    message: [mistake.what, mistake.expected && `expected: ${mistake.expected}`, mistake.hint]
      .filter(Boolean)
      .join("; "),
  };
}

function complete(context: CompletionContext, taxonomies: readonly Taxonomy[]): CompletionResult | null {
  const wanted = wantedAt(context.state.doc.sliceString(0, context.pos));
  if (!wanted || (!context.explicit && wanted.typed === "" && wanted.what === "key")) return null;
  const from = context.pos - wanted.typed.length;
  if (wanted.what === "key")
    return { from, options: wanted.options.map((key) => ({ label: key, apply: `${key}: ` })), validFor: /^\w*$/ };
  if (wanted.what === "value")
    return { from, options: wanted.options.map((label) => ({ label })), validFor: /^[\w./-]*$/ };
  const of = taxonomies.filter(({ taxonomy }) => wanted.taxonomy === null || taxonomy === wanted.taxonomy);
  const paths = new Set(of.flatMap((taxonomy) => taxonomy.labels.map((label) => label.path)));
  return paths.size === 0
    ? null
    : { from, options: [...paths].sort().map((label) => ({ label })), validFor: /^[^,[\]"']*$/ };
}

/** Keys, comments and quoted texts, told by more than their colour. */
const COLOURS = [
  painter(/^\s*(?:-\s+)?([\w-]+)(?=:(\s|$))/g, "cm-name"),
  painter(/[{,]\s*(\w+)(?=:\s)/g, "cm-name"),
  painter(/(?:^|\s)(#.*)$/g, "cm-remark"),
  painter(/("[^"\n]*"|'[^'\n]*')/g, "cm-quoted"),
];

function painter(regexp: RegExp, name: string) {
  const mark = Decoration.mark({ class: name });
  const matcher = new MatchDecorator({
    regexp,
    decorate: (add, from, _to, match) => {
      const part = match[1] ?? "";
      const start = from + match[0].indexOf(part);
      add(start, start + part.length, mark);
    },
  });
  return ViewPlugin.define(
    (view) => ({
      decorations: matcher.createDeco(view),
      update(update: ViewUpdate) {
        this.decorations = matcher.updateDeco(update, this.decorations);
      },
    }),
    { decorations: (plugin) => plugin.decorations },
  );
}

const THEME = EditorView.theme({
  "&": {
    backgroundColor: "var(--surface)",
    color: "var(--text)",
    fontSize: "var(--size-2)",
    border: "1px solid var(--line-strong)",
    borderRadius: "var(--round-small)",
    minHeight: "20rem",
    maxHeight: "calc(100dvh - 16rem)",
  },
  "&.cm-focused": { outline: "2px solid var(--focus)", outlineOffset: "1px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.5", overflow: "auto" },
  ".cm-content": { caretColor: "var(--text)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--ground)", color: "var(--text-2)", borderRight: "1px solid var(--line)" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--brand-ground) 45%, transparent)" },
  ".cm-activeLineGutter": { backgroundColor: "var(--brand-ground)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, ::selection": {
    backgroundColor: "var(--brand-ground)",
  },
  ".cm-name": { color: "var(--brand)", fontWeight: "600" },
  ".cm-remark": { color: "var(--text-2)", fontStyle: "italic" },
  ".cm-quoted": { color: "var(--calm)" },
  ".cm-matchingBracket": { backgroundColor: "var(--brand-ground)", color: "inherit" },
  ".cm-tooltip": {
    backgroundColor: "var(--raised)",
    color: "var(--text)",
    border: "1px solid var(--line-strong)",
    borderRadius: "var(--round-small)",
    boxShadow: "var(--lift-high)",
  },
  ".cm-tooltip-autocomplete > ul > li": { padding: "2px 8px" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--brand)", color: "var(--on-brand)" },
  ".cm-diagnostic": { fontFamily: "var(--font)", padding: "4px 8px" },
  ".cm-diagnostic-error": { borderLeft: "4px solid var(--grave)" },
  ".cm-diagnostic-warning": { borderLeft: "4px solid var(--warn)" },
  // The library draws these with pictures out of the style sheet, which the pages load from nowhere.
  ".cm-lintRange": { backgroundImage: "none", textDecoration: "underline wavy 1.5px", textUnderlineOffset: "3px" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecorationColor: "var(--grave)" },
  ".cm-lintRange-warning": { backgroundImage: "none", textDecorationColor: "var(--warn)" },
  ".cm-lintRange-info": { backgroundImage: "none", textDecorationColor: "var(--text-2)" },
  ".cm-lint-marker": { width: "1em", height: "1.2em" },
  ".cm-lint-marker-error": { content: '"✕"', color: "var(--grave)" },
  ".cm-lint-marker-warning": { content: '"!"', color: "var(--warn)" },
  ".cm-lint-marker-info": { content: '"i"', color: "var(--text-2)" },
  ".cm-foldPlaceholder": { backgroundColor: "var(--quiet-ground)", color: "var(--quiet)", border: "0" },
});
