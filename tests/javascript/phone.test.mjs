// The upload page for phones: hashes, traces of what the phone took out, names, sentences.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { noticesOf, summaryText } from "../../pages/phone/notices.js";
import { countStates, formatBytes, Row } from "../../pages/phone/rows.js";
import { plainSha256, sha256 } from "../../pages/phone/sha256.js";
import { isReplacedName, lackOf, readTraces } from "../../pages/phone/traces.js";

const MAKE = 0x010f;
const GPS = 0x8825;

/** A JPEG whose EXIF has the given tags; latitude: three rationals, or none. */
function jpeg({ isLittle = true, tags = [MAKE], latitude = null, before = [] } = {}) {
  const gpsAt = 8 + 2 + 12 * (tags.length + 1) + 4;
  const valuesAt = gpsAt + 2 + 12 + 4;
  const tiff = new DataView(new ArrayBuffer(valuesAt + 24));
  tiff.setUint16(0, isLittle ? 0x4949 : 0x4d4d);
  tiff.setUint16(2, 42, isLittle);
  tiff.setUint32(4, 8, isLittle);
  const all = latitude ? [...tags, GPS] : tags;
  tiff.setUint16(8, all.length, isLittle);
  all.forEach((tag, i) => {
    tiff.setUint16(10 + 12 * i, tag, isLittle);
    tiff.setUint32(10 + 12 * i + 8, tag === GPS ? gpsAt : 0, isLittle);
  });
  if (latitude) {
    tiff.setUint16(gpsAt, 1, isLittle);
    tiff.setUint16(gpsAt + 2, 2, isLittle);
    tiff.setUint32(gpsAt + 10, valuesAt, isLittle);
    latitude.forEach((value, i) => {
      tiff.setUint32(valuesAt + 4 * i, value, isLittle);
    });
  }
  const exif = [0x45, 0x78, 0x69, 0x66, 0, 0, ...new Uint8Array(tiff.buffer)];
  const length = exif.length + 2;
  return new Uint8Array([
    ...[0xff, 0xd8, ...before, 0xff, 0xe1, length >> 8, length & 255],
    ...exif,
    ...[0xff, 0xda, 0, 2, 0xff, 0xd9],
  ]).buffer;
}

const LISBON = [38, 1, 42, 1, 30, 1];
const NOWHERE = [0, 0, 0, 0, 0, 0];

describe("SHA-256", () => {
  for (const size of [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000]) {
    test(`of ${size} bytes`, () => {
      const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 37) & 255);
      const expected = createHash("sha256").update(bytes).digest("hex");
      assert.equal(plainSha256(bytes.buffer), expected);
    });
  }

  test("of a file, by the browser or without it", async () => {
    const file = new Blob(["photo"]);
    assert.equal(await sha256(file), plainSha256(await file.arrayBuffer()));
  });
});

describe("what the phone took out", () => {
  test("a place is found in both byte orders, after other segments", () => {
    const jfif = [0xff, 0xe0, 0, 6, 1, 2, 3, 4];
    for (const isLittle of [true, false]) {
      const head = jpeg({ isLittle, latitude: LISBON, before: jfif });
      assert.deepEqual(readTraces(head), { isOfCamera: true, hasPlace: true });
    }
  });

  test("no place, and a place overwritten with zeros as Android does", () => {
    for (const latitude of [null, NOWHERE]) {
      assert.deepEqual(readTraces(jpeg({ latitude })), { isOfCamera: true, hasPlace: false });
    }
  });

  test("a picture of a program is no photo without a place", () => {
    assert.equal(readTraces(jpeg({ tags: [0x0112] })).isOfCamera, false);
  });

  test("no EXIF, no JPEG, nothing, and every cut", () => {
    assert.equal(readTraces(new Uint8Array([0xff, 0xd8, 0xff, 0xda, 0, 2]).buffer), null);
    assert.equal(readTraces(new TextEncoder().encode("not a picture").buffer), null);
    assert.equal(readTraces(new ArrayBuffer(0)), null);
    const whole = jpeg({ latitude: LISBON });
    for (let end = 0; end < whole.byteLength - 6; end += 1) readTraces(whole.slice(0, end));
  });

  test("of a file", async () => {
    const file = new File([jpeg()], "1000012345.jpg");
    assert.deepEqual(await lackOf(file), { lacksName: true, lacksPlace: true });
    const whole = new File([jpeg({ latitude: LISBON })], "IMG_0001.JPG");
    assert.deepEqual(await lackOf(whole), { lacksName: false, lacksPlace: false });
    const drawing = new File(["x"], "a.png");
    assert.deepEqual(await lackOf(drawing), { lacksName: false, lacksPlace: false });
  });

  test("names", () => {
    const replaced = ["image.jpg", "Image.HEIC", "image(2).jpg", "image 3.png", "1000012345.jpg"];
    replaced.push("1000012345.mp4", "7D0A3C1E-1B2C-4D5E-8F90-0123456789AB.jpeg");
    for (const name of replaced) assert.ok(isReplacedName(name), name);
    const own = [
      "IMG_0001.JPG",
      "20240715_101112.jpg",
      "PXL_20240715.jpg",
      "images.jpg",
      "123.jpg",
    ];
    for (const name of [...own, "DSC01234.ARW", "image.tif", ""]) {
      assert.ok(!isReplacedName(name), name);
    }
  });
});

function rowsOf(...states) {
  return states.map((state, i) => {
    const row = new Row(new File(["x"], `${i}.jpg`));
    row.set(state);
    return row;
  });
}

describe("sentences", () => {
  test("while it runs and when it is done", () => {
    const text = (...states) => summaryText(rowsOf(...states));
    assert.equal(text("sending", "waiting", "arrived"), "1 of 3 files sent");
    assert.equal(text("added", "refused", "waiting"), "1 of 3 files sent · 1 added · 1 refused");
    assert.equal(text("passed", "checking"), "0 of 1 file sent");
    assert.equal(text("added", "known", "passed"), "Done: 1 added, 1 already there.");
    assert.equal(text("failed", "done"), "Done: 1 sent, 1 not sent.");
    assert.equal(text("passed"), "1 file passed over: sent before.");
  });

  test("notices agree with the number, and give advice", () => {
    const rows = rowsOf("added", "added", "passed");
    rows[0].lack = { lacksPlace: true, lacksName: false };
    rows[1].lack = { lacksPlace: true, lacksName: true };
    rows[2].lack = { lacksPlace: true, lacksName: true };
    const notices = noticesOf(rows);
    assert.deepEqual(
      notices.map(({ heading }) => heading),
      ["1 file sent before", "2 photos without a place", "1 file renamed by the phone"],
    );
    assert.match(notices[1].advice, /Location/);
    assert.deepEqual(noticesOf(rowsOf("added")), []);
  });

  test("sizes and counts", () => {
    assert.equal(formatBytes(10), "1 kB");
    assert.equal(formatBytes(5_000_000), "5.0 MB");
    assert.equal(formatBytes(3_200_000_000), "3.2 GB");
    assert.equal(countStates(rowsOf("added", "added")).added, 2);
  });
});
