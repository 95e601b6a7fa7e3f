// The state of a grid between a click and the response of the server.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { PATIENCE_MS } from "../../pages/widgets/connection.js";
import { OptimisticState } from "../../pages/widgets/photo_grid/optimistic_state.js";

const page = (...ids) => ({ label: ids.join(" "), photos: ids.map((id) => ({ id })) });
const PAGES = { 1: page("a", "b", "c"), 2: page("d", "e", "f") };

function serverData(changes = {}) {
  return {
    name: "grid",
    question: "all",
    page: 1,
    page_count: 3,
    choice: 0,
    heard: 0,
    pages: PAGES,
    selectable: true,
    selected: [],
    selected_elsewhere: 0,
    ...changes,
  };
}

function newState(changes) {
  const sent = [];
  const clock = { ms: 1000 };
  const state = new OptimisticState(
    (actions) => sent.push(actions),
    () => clock.ms,
  );
  state.receive(serverData(changes));
  const click = (id, { isRange = false, number = 1 } = {}) => {
    const shownIds = state.pages.get(number).photos.map((photo) => photo.id);
    state.select(id, { isRange, page: number, shownIds });
  };
  return { state, sent, clock, click };
}

const selected = (state) => [...state.selectedIds].sort();

describe("selection", () => {
  test("a click is applied and sent before the server responds", () => {
    const { state, sent, click } = newState();
    click("b");
    assert.deepEqual(selected(state), ["b"]);
    const action = { ids: ["b"], shown: ["a", "b", "c"], number: 1, question: "all" };
    assert.deepEqual(sent, [[action]]);
  });

  test("a second click on a photo deselects it", () => {
    const { state, click } = newState({ selected: ["b"] });
    click("b");
    assert.deepEqual(selected(state), []);
  });

  test("two quick clicks on one page are sent as one action with the later number", () => {
    const { state, sent, click } = newState();
    click("a");
    click("c");
    assert.deepEqual(selected(state), ["a", "c"]);
    assert.deepEqual(sent.at(-1), [
      { ids: ["a", "c"], shown: ["a", "b", "c"], number: 2, question: "all" },
    ]);
  });

  test("quick clicks on two pages are both sent", () => {
    const { state, sent, click } = newState();
    click("a");
    state.act({ page: 2 });
    click("e", { number: 2 });
    assert.deepEqual(
      sent.at(-1).map(({ number }) => number),
      [1, 2, 3],
    );
    assert.deepEqual(selected(state), ["a", "e"]);
  });

  test("a range on one page selects all photos between", () => {
    const { state, click } = newState();
    click("c");
    click("a", { isRange: true });
    assert.deepEqual(selected(state), ["a", "b", "c"]);
  });

  test("a range over two pages is sent with its ends", () => {
    const { state, sent, click } = newState();
    click("b");
    click("e", { isRange: true, number: 2 });
    assert.deepEqual(selected(state), ["b", "c", "d", "e"]);
    const { from, to, isForward } = sent.at(-1).at(-1);
    assert.deepEqual({ from, to, isForward }, { from: "b", to: "e", isForward: true });
  });

  for (const [isForward, expected] of [
    [true, ["d", "e"]],
    [false, ["e", "f"]],
  ]) {
    test(`a range that starts on a page not sent, forward: ${isForward}`, () => {
      const { state } = newState({ page: 2, pages: { 2: PAGES[2] } });
      state.act({ from: "unsent", to: "e", isForward });
      assert.deepEqual(selected(state), expected);
    });
  }
});

describe("responses of the server", () => {
  test("an action that is not confirmed yet is applied again", () => {
    const { state, click } = newState();
    click("a");
    click("b");
    state.receive(serverData({ heard: 1, selected: ["a"] }));
    assert.deepEqual(selected(state), ["a", "b"]);
    state.receive(serverData({ heard: 2, selected: ["a", "b"] }));
    assert.deepEqual(selected(state), ["a", "b"]);
    assert.deepEqual(state.actions, []);
  });

  test("an older response after a newer one does not bring actions back", () => {
    const { state, click } = newState();
    click("a");
    state.receive(serverData({ heard: 1, selected: ["a"] }));
    click("b");
    state.receive(serverData({ heard: 0, selected: [] }));
    assert.deepEqual(selected(state), ["a", "b"]);
    assert.equal(state.number, 2);
    state.receive(serverData({ heard: 2, selected: ["a", "b"] }));
    assert.deepEqual(selected(state), ["a", "b"]);
  });

  test("the server decides once it has applied the actions", () => {
    const { state, click } = newState();
    click("a");
    state.receive(serverData({ heard: 1, selected: ["c"] }));
    assert.deepEqual(selected(state), ["c"]);
  });

  test("numbers continue after the number of the server", () => {
    const { sent, click } = newState({ heard: 7 });
    click("a");
    assert.equal(sent.at(-1)[0].number, 8);
  });

  test("a server that confirms nothing decides after the patience", () => {
    const { state, clock, click } = newState();
    click("a");
    clock.ms += PATIENCE_MS;
    state.receive(serverData());
    assert.deepEqual(selected(state), ["a"], "not late yet");
    clock.ms += 1;
    state.receive(serverData());
    assert.deepEqual(selected(state), []);
    assert.deepEqual(state.actions, []);
  });
});

describe("page turns", () => {
  test("the turned page stays until the server confirms it", () => {
    const { state } = newState();
    state.act({ page: 2 });
    assert.equal(state.receive(serverData({ heard: 0, page: 1 })), 2);
    const pages = { 2: PAGES[2], 3: page("g") };
    assert.equal(state.receive(serverData({ heard: 1, page: 2, pages })), 2);
    assert.deepEqual([...state.pages.keys()], [2, 3]);
  });

  test("pages sent before are available during a turn", () => {
    const { state } = newState();
    state.act({ page: 2 });
    state.act({ page: 3 });
    const pages = { 2: PAGES[2], 3: page("g") };
    assert.equal(state.receive(serverData({ heard: 1, page: 2, pages })), 3);
    assert.deepEqual([...state.pages.keys()].sort(), [1, 2, 3]);
  });

  test("a turn in another result is dropped, a selection is not", () => {
    const { state, click } = newState();
    click("a");
    state.act({ page: 2 });
    assert.equal(state.receive(serverData({ question: "flowers", page: 1 })), 1);
    assert.deepEqual(selected(state), ["a"]);
    assert.equal(state.anchor, null);
    assert.deepEqual(
      state.actions.map(({ number }) => number),
      [1],
    );
  });
});

describe("chip choices", () => {
  const choice = { group: "plants", one: "flower", many: [], number: 4 };
  const flowers = { group: "plants", one: "flower", question: "flowers", pageCount: 1 };
  const first = [{ ...flowers, page: page("b", "f") }];
  const prefetched = { grid: "grid", tags: [], first };

  test("a prefetched page is shown until the server includes the choice", () => {
    const { state } = newState();
    assert.equal(state.chooseChip(choice, prefetched), true);
    assert.equal(state.isAwaitingChoice, true);
    assert.deepEqual(state.pages.get(1), first[0].page);
    assert.equal(state.data.page_count, 1);
    assert.equal(state.receive(serverData({ choice: 3 })), null, "of an earlier choice");
    assert.deepEqual(state.pages.get(1), first[0].page);
    const data = serverData({ choice: 4, question: "flowers", pages: { 1: page("b") } });
    assert.equal(state.receive(data), 1);
    assert.equal(state.isAwaitingChoice, false);
    assert.deepEqual(state.pages.get(1), page("b"));
  });

  test("the selection is shown on the prefetched page", () => {
    const { state } = newState({ selected: ["b"] });
    state.chooseChip(choice, prefetched);
    assert.deepEqual(selected(state), ["b"]);
  });

  for (const [reason, changes, prefetchedChanges] of [
    ["other tags are prefetched", {}, { tags: ["beach"] }],
    ["the class is not prefetched", {}, { first: [{ ...first[0], one: "leaf" }] }],
    ["the class is prefetched of another group", {}, { first: [{ ...first[0], group: "food" }] }],
    ["photos of pages not sent are selected", { selected_elsewhere: 1 }, {}],
  ]) {
    test(`nothing is shown early if ${reason}`, () => {
      const { state } = newState(changes);
      assert.equal(state.chooseChip(choice, { ...prefetched, ...prefetchedChanges }), false);
      assert.equal(state.isAwaitingChoice, false);
      assert.equal(state.receive(serverData({ choice: 3 })), 1);
    });
  }

  test("nothing is shown early while a range is not confirmed", () => {
    const { state, click } = newState();
    click("b");
    click("e", { isRange: true, number: 2 });
    assert.equal(state.chooseChip(choice, prefetched), false);
  });
});
