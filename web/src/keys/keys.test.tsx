import { cleanup, fireEvent, render } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { BindingId } from "./bindings";
import { Hint, Keys, useKey } from "./keys";

function On({
  id,
  press,
  release,
  enabled,
}: {
  id: BindingId;
  press: () => void;
  release?: () => void;
  enabled?: boolean;
}) {
  useKey(id, press, { release, enabled });
  return null;
}

beforeEach(() => {
  vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: () => {}, removeEventListener: () => {} }));
});
afterEach(cleanup);

describe("keys", () => {
  test("a sequence is meant only when both keys come, one after the other", () => {
    const wall = vi.fn();
    render(
      <Keys>
        <On id="go_wall" press={wall} />
      </Keys>,
    );
    fireEvent.keyDown(document.body, { key: "w" });
    expect(wall).not.toHaveBeenCalled();
    fireEvent.keyDown(document.body, { key: "g" });
    fireEvent.keyDown(document.body, { key: "w" });
    expect(wall).toHaveBeenCalledTimes(1);
  });

  test("letters that somebody writes are letters", () => {
    const dismiss = vi.fn();
    const { getByRole } = render(
      <Keys>
        <On id="dismiss" press={dismiss} />
        <input />
      </Keys>,
    );
    fireEvent.keyDown(getByRole("textbox"), { key: "d" });
    expect(dismiss).not.toHaveBeenCalled();
    fireEvent.keyDown(document.body, { key: "d" });
    expect(dismiss).toHaveBeenCalledTimes(1);
  });

  test("behind a dialog nothing is pressed, and in it only its own keys are", () => {
    const [uphold, confirm] = [vi.fn(), vi.fn()];
    render(
      <Keys>
        <On id="uphold" press={uphold} />
        <On id="confirm" press={confirm} />
        <div role="dialog" />
      </Keys>,
    );
    fireEvent.keyDown(document.body, { key: "u" });
    fireEvent.keyDown(document.body, { key: "Enter", ctrlKey: true });
    expect([uphold.mock.calls.length, confirm.mock.calls.length]).toEqual([0, 1]);
  });

  test("what is held ends with the key, with the window, and with the component", () => {
    const [press, release] = [vi.fn(), vi.fn()];
    const { rerender } = render(
      <Keys>
        <On id="reveal" press={press} release={release} />
      </Keys>,
    );
    fireEvent.keyDown(document.body, { key: "r" });
    fireEvent.keyDown(document.body, { key: "r", repeat: true });
    expect([press.mock.calls.length, release.mock.calls.length]).toEqual([1, 0]);
    fireEvent.keyUp(document.body, { key: "r" });
    expect(release).toHaveBeenCalledTimes(1);
    fireEvent.keyDown(document.body, { key: "r" });
    fireEvent.blur(window);
    expect(release).toHaveBeenCalledTimes(2);
    fireEvent.keyDown(document.body, { key: "r" });
    rerender(<Keys>{null}</Keys>);
    expect(release).toHaveBeenCalledTimes(3);
  });

  test("a key kept down acts once", () => {
    const dismiss = vi.fn();
    render(
      <Keys>
        <On id="dismiss" press={dismiss} />
      </Keys>,
    );
    fireEvent.keyDown(document.body, { key: "d" });
    for (let n = 0; n < 5; n++) fireEvent.keyDown(document.body, { key: "d", repeat: true });
    expect(dismiss).toHaveBeenCalledTimes(1);
  });

  test("who switches characters off keeps every other key, and none is printed that is not answered", () => {
    const [dismiss, wall, later, confirm] = [vi.fn(), vi.fn(), vi.fn(), vi.fn()];
    const of = (characters: boolean) => (
      <Keys characters={characters}>
        <On id="dismiss" press={dismiss} />
        <On id="go_wall" press={wall} />
        <On id="later" press={later} />
        <On id="confirm" press={confirm} />
        <Hint of="dismiss" />
        <Hint of="later" />
      </Keys>
    );
    const pressAll = () => {
      for (const key of ["d", "g", "w", "ArrowRight"]) fireEvent.keyDown(document.body, { key });
    };
    const { container, rerender } = render(of(false));
    pressAll();
    expect([dismiss, wall, later].map((each) => each.mock.calls.length)).toEqual([0, 0, 1]);
    expect([...container.querySelectorAll("kbd")].map((kbd) => kbd.textContent)).toEqual(["→"]);
    rerender(of(true));
    pressAll();
    expect([dismiss, wall, later].map((each) => each.mock.calls.length)).toEqual([1, 1, 2]);
    expect([...container.querySelectorAll("kbd")].map((kbd) => kbd.textContent)).toEqual(["D", "→"]);
  });

  test("what is not enabled does not answer", () => {
    const dismiss = vi.fn();
    render(
      <Keys>
        <On id="dismiss" press={dismiss} enabled={false} />
      </Keys>,
    );
    fireEvent.keyDown(document.body, { key: "d" });
    expect(dismiss).not.toHaveBeenCalled();
  });
});
