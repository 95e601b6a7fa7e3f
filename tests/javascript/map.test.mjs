// The projection, the names and the clusters of the map, and its files.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { closerView, shortCount } from "../../pages/widgets/map/clusters.js";
import { labelCandidates, labelsWithRoom } from "../../pages/widgets/map/labels.js";
import {
  areaBetween,
  areaOf,
  fitted,
  limited,
  MAX_ZOOM,
  minZoom,
  moved,
  pixelOf,
  placeOf,
  scaleBar,
  worldSize,
  zoomed,
} from "../../pages/widgets/map/mercator.js";
import { decodeOutlines } from "../../pages/widgets/map/outlines.js";
import { cityNear, clusterName, readCities } from "../../pages/widgets/map/places.js";

const BLANK = { x: 0.5, y: 0.5, zoom: 3, width: 1000, height: 600 };
const IBERIA = [36, -10, 44, 4];
const LISBON = [38.72, -9.14];
const near = (actual, expected, tolerance = 1e-6) => {
  assert.equal(actual.length, expected.length);
  for (const [i, value] of actual.entries()) {
    assert.ok(Math.abs(value - expected[i]) <= tolerance, `${actual} is not ${expected}`);
  }
};
const file = (name) =>
  gunzipSync(readFileSync(new URL(`../../pages/widgets/map/data/${name}`, import.meta.url)));

describe("the projection", () => {
  test("a pixel and its place", () => {
    const view = fitted(BLANK, IBERIA);
    near(placeOf(view, ...pixelOf(view, ...LISBON)), LISBON);
    near(pixelOf({ ...BLANK, x: 0.5 }, 0, 0), [500, 300]);
  });

  test("a zoom keeps the place at the pointer where it is", () => {
    const view = fitted(BLANK, IBERIA);
    const pixel = [130, 420];
    const before = placeOf(view, ...pixel);
    near(placeOf(zoomed(view, view.zoom + 2.5, ...pixel), ...pixel), before);
  });

  test("the area of a view leads back to it", () => {
    const view = fitted(BLANK, IBERIA);
    const again = fitted(BLANK, areaOf(view));
    near([again.x, again.y, again.zoom], [view.x, view.y, view.zoom], 1e-4);
    assert.deepEqual(areaOf(again), areaOf(view));
  });

  test("west is greater than east across the date line", () => {
    const [, west, , east] = areaOf(fitted(BLANK, [-20, 175, -14, -175]));
    assert.ok(west > 170 && east < -170);
    const view = fitted(BLANK, [-20, 175, -14, -175]);
    const [left] = pixelOf(view, -17, 179);
    const [right] = pixelOf(view, -17, -179);
    assert.ok(left < right && right - left < 400);
  });

  test("a view shows no more than the world", () => {
    const whole = { ...BLANK, zoom: minZoom(BLANK) };
    assert.equal(Math.round(worldSize(whole)), 1000);
    const [south, west, north, east] = areaOf(limited({ ...whole, y: 0 }));
    assert.equal(north, 90);
    assert.ok(south < 0);
    assert.deepEqual([west, east], [-180, 180]);
    assert.equal(zoomed(whole, 40).zoom, MAX_ZOOM);
    assert.equal(zoomed(whole, -3).zoom, whole.zoom);
    // A screen higher than the world has the equator in its middle.
    assert.equal(limited({ ...BLANK, zoom: 0, width: 390, height: 700, y: 0.1 }).y, 0.5);
  });

  test("a move goes around the world", () => {
    let view = BLANK;
    for (let i = 0; i < 30; i++) view = moved(view, -100, 0);
    assert.ok(view.x >= 0 && view.x < 1);
  });

  test("an area between two pixels", () => {
    const view = fitted(BLANK, IBERIA);
    const [south, west, north, east] = areaBetween(view, [100, 100], [200, 180]);
    near(pixelOf(view, north, west), [100, 100], 0.01);
    near(pixelOf(view, south, east), [200, 180], 0.01);
  });

  test("the scale is a round length that fits", () => {
    for (let zoom = 2; zoom < MAX_ZOOM; zoom++) {
      const { text, width } = scaleBar({ ...BLANK, zoom }, 120);
      assert.match(text, /^[125][0,]* k?m$/);
      assert.ok(width <= 120 && width > 45, `${text} ${width}`);
    }
    // At zoom 0 a pixel at the equator is 156 km.
    assert.equal(scaleBar({ ...BLANK, zoom: 8 }, 120).text, "50 km");
  });
});

describe("names", () => {
  const label = (left, top, text = "Name") => ({ kind: "city", text, left, top });

  test("none lies on another or on an obstacle", () => {
    const labels = [
      label(100, 100, "a"),
      label(120, 105, "b"),
      label(300, 100, "c"),
      label(100, 200, "d"),
    ];
    const placed = labelsWithRoom(labels, () => 40, [[290, 80, 330, 120]]);
    assert.deepEqual(
      placed.map(({ text }) => text),
      ["a", "d"],
    );
  });

  test("the closer the view, the smaller the cities", () => {
    const cities = readCities("Big\t40\t-3\t9000\nSmall\t40.2\t-3.2\t50");
    const names = (zoom) =>
      labelCandidates([], cities, { ...fitted(BLANK, IBERIA), zoom }).map(({ text }) => text);
    assert.deepEqual(names(2.5), []);
    assert.deepEqual(names(3.5), ["Big"]);
    assert.deepEqual(names(8.5), ["Big", "Small"]);
  });

  test("a country has its name where there is room", () => {
    const country = { name: "Portugal", at: [-8, 39.5], width: 3 };
    const view = fitted(BLANK, IBERIA);
    assert.equal(labelCandidates([country], [], view)[0].text, "Portugal");
    assert.deepEqual(labelCandidates([country], [], { ...view, zoom: 2 }), []);
  });

  test("a cluster has the name of the city that people would say", () => {
    const cities = readCities(
      "Lisbon\t38.725\t-9.150\t3000\nAmadora\t38.754\t-9.231\t179\nSuva\t-18.1\t178.4\t3000",
    );
    const nameAt = (photos, latitude, longitude, spread = 0) => {
      const within = [latitude - spread, longitude, latitude + spread, longitude];
      return clusterName({ photos, latitude, longitude, within }, cities);
    };
    assert.equal(nameAt(12, 38.73, -9.17), "12 photos near Lisbon");
    assert.equal(nameAt(1, 38.755, -9.232), "1 photo near Amadora");
    assert.equal(nameAt(90, 38.755, -9.232, 1), "90 photos near Lisbon", "from a larger region");
    assert.equal(cityNear(cities, -18.1, -180), null);
    assert.equal(nameAt(2000, 10, -150.26), "2,000 photos at 10.0° N, 150.3° W");
  });
});

describe("clusters", () => {
  const cluster = (within, photos = 5) => ({
    photos,
    within,
    latitude: 0,
    longitude: 0,
    photo_id: "a",
  });

  test("one of several places leads to a closer view that shows all of it", () => {
    const view = { ...BLANK, zoom: 4 };
    const closer = closerView(cluster([38, -10, 39, -9]), view);
    assert.ok(closer.zoom >= 5);
    for (const corner of [
      [38, -10],
      [39, -9],
    ]) {
      const [left, top] = pixelOf(closer, ...corner);
      assert.ok(left > 0 && left < 1000 && top > 0 && top < 600);
    }
    assert.ok(closerView(cluster([-17, 179.9, -16, -179.9]), view).zoom > 6);
  });

  test("a wide cluster leads at least one zoom closer", () => {
    const view = { ...BLANK, zoom: 4 };
    assert.equal(closerView(cluster([-50, -100, 50, 100]), view).zoom, 5);
  });

  test("one photo, one spot and the deepest zoom lead to the photos", () => {
    const view = { ...BLANK, zoom: 4 };
    assert.equal(closerView(cluster([38, -10, 39, -9], 1), view), null);
    assert.equal(closerView(cluster([38.7, -9.1, 38.70001, -9.09999]), view), null);
    assert.equal(closerView(cluster([38, -10, 39, -9]), { ...view, zoom: MAX_ZOOM }), null);
  });

  test("a count is short", () => {
    const counts = [7, 999, 1000, 1249, 9960, 12_345];
    assert.deepEqual(counts.map(shortCount), ["7", "999", "1k", "1.2k", "10k", "12k"]);
  });
});

describe("the files", () => {
  /** Whether a point is in a ring, by the crossings of a ray. */
  function isInside(points, x, y) {
    let inside = false;
    for (let i = 0, j = points.length - 2; i < points.length; j = i, i += 2) {
      const isBetween = points[i + 1] > y !== points[j + 1] > y;
      const slope = (points[j] - points[i]) / (points[j + 1] - points[i + 1]);
      if (isBetween && x < points[i] + slope * (y - points[i + 1])) inside = !inside;
    }
    return inside;
  }

  for (const detail of ["coarse", "fine"]) {
    test(`${detail} outlines have land and sea where they are`, () => {
      const { rings, coasts, borders, countries } = decodeOutlines(
        file(`outlines_${detail}.bin.gz`),
      );
      assert.ok(countries.some(({ name }) => name === "Portugal"));
      assert.ok(coasts.length > 100 && borders.length > 100);
      const isLand = (latitude, longitude) => {
        const [x, y] = pixelOf({ ...BLANK, x: 0.5, y: 0.5 }, latitude, longitude);
        const size = worldSize(BLANK);
        const [worldX, worldY] = [0.5 + (x - 500) / size, 0.5 + (y - 300) / size];
        return rings.some(({ points }) =>
          [-1, 0, 1].some((turn) => isInside(points, worldX + turn, worldY)),
        );
      };
      // Madrid, Denver, Alice Springs, the far east of Siberia, the South Pole's plateau.
      for (const place of [
        [40.4, -3.7],
        [39.7, -105],
        [-23.7, 133.9],
        [67.5, -178],
        [-80, 60],
      ]) {
        assert.ok(isLand(...place), `${place} is land`);
      }
      for (const place of [
        [40, -30],
        [0, -120],
        [-40, 80],
        [70, 0],
      ]) {
        assert.ok(!isLand(...place), `${place} is sea`);
      }
    });
  }

  test("cities are in the order of their size, capitals among the largest", () => {
    const cities = readCities(file("cities.tsv.gz").toString());
    assert.ok(cities.length > 10_000);
    for (let i = 1; i < cities.length; i++) assert.ok(cities[i - 1].rank >= cities[i].rank);
    const lisbon = cities.find(({ name }) => name === "Lisbon");
    near([lisbon.latitude, lisbon.longitude], LISBON, 0.05);
    assert.ok(lisbon.rank >= 3000);
  });
});
