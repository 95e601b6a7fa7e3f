// What a component does when Streamlit has removed it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { whenRemoved } from "../../pages/widgets/dom.js";

test("only a component that is no longer on the page is left", () => {
  const parentElement = { isConnected: true };
  const left = [];
  const cleanUp = whenRemoved(parentElement, () => left.push("left"));
  cleanUp();
  assert.deepEqual(left, []);
  parentElement.isConnected = false;
  cleanUp();
  assert.deepEqual(left, ["left"]);
});
