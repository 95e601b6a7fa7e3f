// The upload engine on a server in memory.
import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import {
  isTemporary,
  PART_BYTES,
  UploadEngine,
  UploadError,
} from "../../pages/widgets/uploader/engine.js";

const files = (...names) => names.map((name) => ({ path: name, file: { name, size: 10 } }));
const unavailable = () => new UploadError(503, "Busy.");

/** A transport whose server is in memory. It counts requests and fails where a test says so. */
class MemoryServer {
  constructor() {
    this.uploads = new Map();
    this.requests = [];
    this.puts = [];
    this.retryPauses = [];
    /** Called before each PUT with the path of the file; a returned error is thrown. */
    this.failPut = () => null;
    this.isDown = false;
    /** Whether the server has forgotten the first upload. */
    this.isLost = false;
    this.parallel = 0;
    this.maxParallel = 0;
    /** Bytes of files that are sent in parts, by upload and number. */
    this.received = new Map();
    /** The upload that follows another. */
    this.nextIds = new Map();
    /** Called before a part is stored; see failPut. */
    this.losePart = () => null;
    this.request = this.request.bind(this);
    this.put = this.put.bind(this);
    this.pause = this.pause.bind(this);
  }

  announce(list, arrived = []) {
    const id = `upload-${this.uploads.size + 1}`;
    this.uploads.set(id, { id, list, arrived: new Set(arrived), isEnded: false });
    return this.status(id);
  }

  status(id) {
    const { list, arrived, isEnded } = this.uploads.get(id);
    const missing = list
      .map((item, number) => ({ ...item, number }))
      .filter(({ number }) => !arrived.has(number));
    const state = isEnded || !missing.length ? "done" : "running";
    const count = arrived.size;
    const status = { id, state, total: list.length, arrived: count, done: count, skipped: 0 };
    if (this.nextIds.has(id)) status.next = this.nextIds.get(id);
    for (const item of missing) item.received = this.received.get(`${id}/${item.number}`) ?? 0;
    return { ...status, missing };
  }

  async request(method, path, body) {
    this.requests.push(`${method} ${path}`);
    if (this.isDown) throw new UploadError(0, "The server does not answer.");
    if (method === "POST" && path === "") return this.announce(body.files);
    const id = path.split(/[/?]/)[1];
    if (!this.uploads.has(id) || (this.isLost && id === "upload-1"))
      throw new UploadError(404, "No such upload.");
    if (method === "DELETE" || path.endsWith("/end")) this.uploads.get(id).isEnded = true;
    return this.status(id);
  }

  async put(path, file, { onProgress, signal }) {
    const [, id, , place] = path.split("/");
    const [number, offset] = place.split("?offset=");
    // Like XMLHttpRequest: a signal that was aborted before has no effect.
    let isAborted = false;
    signal.addEventListener("abort", () => {
      isAborted = true;
    });
    this.parallel += 1;
    this.maxParallel = Math.max(this.maxParallel, this.parallel);
    try {
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (isAborted) throw new UploadError(-1, "Cancelled.");
      if (this.isDown) throw new UploadError(0, "The connection was lost.");
      const { path: name } = this.uploads.get(id).list[number];
      this.puts.push(name);
      const error = this.failPut(name);
      if (error) throw error;
      onProgress(file.size);
      if (offset !== undefined && !this.takePart(id, number, Number(offset), file.size)) return;
      this.uploads.get(id).arrived.add(Number(number));
    } finally {
      this.parallel -= 1;
    }
  }

  /** Store a part; returns whether the file is whole. */
  takePart(id, number, offset, size) {
    const key = `${id}/${number}`;
    if (offset !== (this.received.get(key) ?? 0)) throw new UploadError(409, "Out of order.");
    this.received.set(key, offset + size);
    const error = this.losePart(offset);
    if (error) throw error;
    return offset + size === this.uploads.get(id).list[number].size;
  }

  async pause(ms) {
    const isStatusInterval = ms === 1000;
    if (!isStatusInterval) this.retryPauses.push(ms);
    await new Promise((resolve) => setTimeout(resolve, isStatusInterval ? 2 : 0));
  }
}

let engine;

function newEngine() {
  const server = new MemoryServer();
  engine = new UploadEngine(server);
  return server;
}

async function reach(state) {
  const deadline = Date.now() + 5000;
  while (engine.state !== state) {
    assert.ok(Date.now() < deadline, `state ${engine.state}, expected ${state}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

const paths = (entries) => entries.map(({ path }) => path);

afterEach(() => engine.cancel());

describe("sending", () => {
  test("all files arrive, at most four at once", async () => {
    const server = newEngine();
    const names = Array.from({ length: 20 }, (_, i) => `${i}.jpg`);
    engine.add(files(...names));
    await reach("over");
    assert.deepEqual(server.puts.toSorted(), names.toSorted());
    assert.equal(server.maxParallel, 4);
    assert.equal(engine.doneBytes, 200);
  });

  test("files of the system are left out", async () => {
    const server = newEngine();
    engine.add(files(".DS_Store", "holiday/Thumbs.db", "desktop.ini", "holiday/a.jpg"));
    await reach("over");
    assert.deepEqual(server.puts, ["holiday/a.jpg"]);
  });

  test("a large file is sent in parts, and goes on after the last that arrived", async () => {
    const server = newEngine();
    const size = 2 * PART_BYTES + 5;
    const slice = (start, end) => ({ size: end - start });
    let lost = 2;
    // The answer to a part is lost: the server has it.
    server.losePart = (offset) => {
      lost -= 1;
      return offset === PART_BYTES && lost > 0 ? new UploadError(0, "Lost.") : null;
    };
    server.failPut = () => (server.puts.length === 3 ? unavailable() : null);
    engine.add([{ path: "film.mp4", file: { name: "film.mp4", size, slice } }]);
    await reach("over");
    assert.equal(server.received.get("upload-1/0"), size);
    assert.equal(engine.doneBytes, size);
  });

  test("archives are sent after the photos, together, and what they hold is followed", async () => {
    const server = newEngine();
    server.uploads.set("export", { id: "export", list: [], arrived: new Set(), isEnded: true });
    server.nextIds.set("upload-3", "export");
    engine.add(files("takeout-001.zip", "a.jpg", "Takeout-002.TGZ"));
    await reach("over");
    const lists = [...server.uploads.values()].map(({ list }) => paths(list));
    assert.deepEqual(lists, [[], ["a.jpg"], ["takeout-001.zip", "Takeout-002.TGZ"]]);
    assert.ok(server.requests.some((request) => request.startsWith("GET /export")));
    assert.equal(engine.id, "export");
  });

  test("files added during an upload become the next upload", async () => {
    const server = newEngine();
    engine.add(files("a.jpg"));
    engine.add(files("b.jpg"));
    assert.deepEqual(paths(engine.waiting), ["b.jpg"]);
    await reach("over");
    assert.deepEqual(server.puts, ["a.jpg", "b.jpg"]);
    assert.equal(server.uploads.size, 2);
  });
});

describe("errors", () => {
  test("a temporary error is retried after growing pauses", async () => {
    const server = newEngine();
    const errors = [unavailable(), new UploadError(429, "Wait."), new UploadError(0, "Cut.")];
    server.failPut = () => errors.shift();
    engine.add(files("a.jpg"));
    await reach("over");
    assert.deepEqual(server.puts, ["a.jpg", "a.jpg", "a.jpg", "a.jpg"]);
    assert.deepEqual(server.retryPauses, [800, 1600, 3200]);
  });

  test("the fourth failure stalls the upload", async () => {
    const server = newEngine();
    server.failPut = unavailable;
    engine.add(files("a.jpg"));
    await reach("stalled");
    assert.equal(server.puts.length, 4);
    assert.equal(engine.problem, "Busy.");
    assert.ok(isTemporary(engine.problemStatus));
  });

  test("a full disk stalls the upload at once", async () => {
    const server = newEngine();
    server.failPut = () => new UploadError(507, "No space.");
    engine.add(files("a.jpg"));
    await reach("stalled");
    assert.equal(server.puts.length, 1);
    assert.equal(engine.problem, "No space.");
    assert.ok(!isTemporary(engine.problemStatus));
  });

  test("a refused file does not stop the others and can be retried", async () => {
    const server = newEngine();
    server.failPut = (name) => (name === "b.jpg" ? new UploadError(400, "No photo.") : null);
    engine.add(files("a.jpg", "b.jpg", "c.jpg"));
    await reach("failed");
    assert.deepEqual(
      engine.failed.map(({ entry, message }) => [entry.path, message]),
      [["b.jpg", "No photo."]],
    );
    server.failPut = () => null;
    engine.continueUpload();
    await reach("over");
    assert.deepEqual(server.puts.toSorted(), ["a.jpg", "b.jpg", "b.jpg", "c.jpg"]);
  });

  test("an upload can end without its refused files", async () => {
    const server = newEngine();
    server.failPut = () => new UploadError(400, "No photo.");
    engine.add(files("a.jpg"));
    await reach("failed");
    engine.endWithoutFailed();
    await reach("over");
    assert.ok(server.requests.includes("POST /upload-1/end"));
  });

  test("without a response to the announcement nothing is sent", async () => {
    const server = newEngine();
    server.isDown = true;
    engine.add(files("a.jpg"));
    await reach("stalled");
    assert.equal(engine.id, null);
    assert.equal(engine.problem, "The server does not answer.");
    server.isDown = false;
    engine.continueUpload();
    await reach("over");
    assert.deepEqual(server.puts, ["a.jpg"]);
  });
});

describe("resuming", () => {
  test("after a restart of the server only missing files are sent", async () => {
    const server = newEngine();
    const names = Array.from({ length: 12 }, (_, i) => `${i}.jpg`);
    server.failPut = () => {
      server.isDown = server.puts.length > 6;
      return null;
    };
    engine.add(files(...names));
    await reach("stalled");
    assert.equal(engine.problem, "The connection was lost.");
    const { arrived } = server.uploads.get("upload-1");
    const missing = names.filter((_, number) => !arrived.has(number));
    assert.ok(missing.length > 0 && missing.length < names.length);
    server.puts = [];
    server.failPut = () => null;
    server.isDown = false;
    engine.continueUpload();
    await reach("over");
    assert.deepEqual(server.puts.toSorted(), missing.toSorted());
    assert.equal(server.uploads.size, 1);
  });

  test("while the server does not respond the upload stays stalled", async () => {
    const server = newEngine();
    server.failPut = () => new UploadError(507, "No space.");
    engine.add(files("a.jpg"));
    await reach("stalled");
    server.isDown = true;
    await engine.continueUpload();
    assert.equal(engine.state, "stalled");
    assert.equal(engine.problem, "The server does not answer.");
    assert.equal(server.requests.filter((line) => line === "POST ").length, 1);
    server.isDown = false;
    server.failPut = () => null;
    await engine.continueUpload();
    await reach("over");
    assert.equal(server.uploads.size, 1);
  });

  for (const isListed of [true, false]) {
    test(`missing files of an ended upload become a new one, still listed: ${isListed}`, async () => {
      const server = newEngine();
      server.failPut = (name) => (name === "b.jpg" ? new UploadError(507, "No space.") : null);
      engine.add(files("a.jpg", "b.jpg"));
      await reach("stalled");
      const missing = paths(engine.entries.filter((entry) => !entry.arrived));
      server.uploads.get("upload-1").isEnded = true;
      server.isLost = !isListed;
      server.failPut = () => null;
      await engine.continueUpload();
      await reach("over");
      assert.deepEqual(paths(server.uploads.get("upload-2").list), missing);
    });
  }

  test("chosen again after a refresh, files are matched by path and size", async () => {
    const server = newEngine();
    const list = [
      { path: "a.jpg", size: 10 },
      { path: "b.jpg", size: 10 },
      { path: "b.jpg", size: 10 },
      { path: "c.jpg", size: 99 },
    ];
    const upload = server.announce(list, [0]);
    const count = engine.resumeUpload(upload, files("a.jpg", "b.jpg", "b.jpg", "b.jpg", "c.jpg"));
    assert.equal(count, 2);
    assert.deepEqual(
      engine.entries.map(({ number }) => number),
      [1, 2],
    );
    await reach("tagging");
    assert.deepEqual(server.puts, ["b.jpg", "b.jpg"]);
  });

  test("without a match nothing changes", () => {
    const server = newEngine();
    const upload = server.announce([{ path: "a.jpg", size: 10 }]);
    assert.equal(engine.resumeUpload(upload, files("other/a.jpg")), 0);
    assert.equal(engine.state, "idle");
    assert.deepEqual(server.requests, []);
  });
});

describe("cancelling", () => {
  test("running requests are aborted and waiting files dropped", async () => {
    const server = newEngine();
    engine.add(files(...Array.from({ length: 30 }, (_, i) => `${i}.jpg`)));
    await reach("sending");
    engine.add(files("later.jpg"));
    await engine.cancel();
    assert.equal(engine.state, "over");
    const sentCount = server.puts.length;
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(server.puts.length, sentCount, "nothing is sent after it");
    assert.ok(server.requests.includes("DELETE /upload-1"));
    assert.equal(server.uploads.size, 1);
  });

  test("ended now, what has arrived stays and nothing more is sent", async () => {
    const server = newEngine();
    engine.add(files(...Array.from({ length: 30 }, (_, i) => `${i}.jpg`)));
    await reach("sending");
    while (!engine.doneBytes) await new Promise((resolve) => setTimeout(resolve, 1));
    engine.add(files("later.jpg"));
    await engine.endNow();
    await reach("over");
    const sentCount = server.puts.length;
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(server.puts.length, sentCount);
    assert.ok(sentCount >= 1 && sentCount < 30);
    assert.ok(server.requests.includes("POST /upload-1/end"));
    assert.ok(!server.requests.includes("DELETE /upload-1"));
    assert.equal(server.uploads.size, 1);
  });

  test("ended now before anything was announced", async () => {
    newEngine().isDown = true;
    engine.add(files("a.jpg"));
    await reach("stalled");
    await engine.endNow();
    assert.equal(engine.state, "over");
  });

  test("a file that waits to be tried again is not sent", async () => {
    const server = newEngine();
    server.failPut = unavailable;
    const { pause } = server;
    server.pause = async (ms) => {
      if (ms !== 1000) await engine.cancel();
      await pause(ms);
    };
    engine = new UploadEngine(server);
    engine.add(files("a.jpg"));
    await reach("over");
    await new Promise((resolve) => setTimeout(resolve, 10));
    assert.deepEqual(server.puts, ["a.jpg"]);
    assert.equal(engine.problem, "");
  });
});

test("an upload error is an Error with a status", () => {
  const error = new UploadError(413, "Too large.");
  assert.ok(error instanceof Error);
  assert.equal(error.status, 413);
  assert.equal(error.message, "Too large.");
});
