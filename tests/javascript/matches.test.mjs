// Which option of a field Enter takes.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { folded, foundBy, matching } from "../../pages/widgets/combobox/matches.js";

const CASES = new URL("../search/folding_cases.json", import.meta.url);

function option(text, ...words) {
  return { value: text, text, words: [folded(text), ...words], count: null };
}

const OPTIONS = [
  option("Street market"),
  option("Tram", "strassenbahn"),
  option("Street", "strasse", "calle", "road"),
  option("Oma Rosa"),
  option("Rosa's cat"),
];
const names = (typed) => matching(OPTIONS, typed).shown.map(({ text }) => text);
const best = (typed) => matching(OPTIONS, typed).best?.text;

describe("folding", () => {
  for (const [text, expected] of JSON.parse(readFileSync(CASES, "utf-8"))) {
    test(JSON.stringify(text), () => assert.equal(folded(text), expected));
  }
});

describe("matching", () => {
  test("nothing typed shows everything, in the same order, and takes nothing", () => {
    assert.deepEqual(
      names(""),
      OPTIONS.map(({ text }) => text),
    );
    assert.equal(matching(OPTIONS, " ").best, null);
    assert.equal(matching(OPTIONS, " ").isKnown, true);
  });

  test("Enter takes the name with least left to type", () => {
    assert.equal(best("stree"), "Street");
    assert.equal(best("STREET M"), "Street market");
  });

  test("aliases and translations count, names before them", () => {
    assert.equal(best("cal"), "Street");
    assert.deepEqual(names("str"), ["Street", "Street market", "Tram"]);
    assert.deepEqual(names("straß"), ["Street", "Tram"]);
  });

  test("a later word of a name is shown and not taken", () => {
    assert.deepEqual(names("cat"), ["Rosa's cat"]);
    assert.equal(best("cat"), undefined);
    assert.equal(best("rosa"), "Rosa's cat");
  });

  test("only a name makes a text a known one", () => {
    assert.equal(matching(OPTIONS, "street").isKnown, true);
    assert.equal(matching(OPTIONS, "calle").isKnown, false);
    assert.equal(matching(OPTIONS, "stree").isKnown, false);
    assert.deepEqual(matching(OPTIONS, "quokka"), { shown: [], best: null, isKnown: false });
  });

  test("says which word was meant when it is not the name", () => {
    assert.equal(foundBy(OPTIONS[2], "cal"), "calle");
    assert.equal(foundBy(OPTIONS[2], "stre"), "");
    assert.equal(foundBy(OPTIONS[4], "cat"), "");
  });
});
