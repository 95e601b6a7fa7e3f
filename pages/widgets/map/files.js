// The files of the map, each loaded once for a browser tab.
import { decodeOutlines } from "./outlines.js";
import { readCities } from "./places.js";

const FOLDER = "/map-data";
const loading = new Map();

async function unpacked(name, version) {
  const response = await fetch(`${FOLDER}/${name}?${version}`);
  if (!response.ok) throw new Error(`${name}: ${response.status}`);
  const stream = response.body.pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Load a file once; after a failure the next call tries again. */
function once(name, version, decode) {
  if (!loading.has(name)) {
    const content = unpacked(name, version).then(decode);
    loading.set(name, content);
    content.catch(() => loading.delete(name));
  }
  return loading.get(name);
}

/**
 * @param {"coarse" | "fine"} detail
 * @param {string} version of the program, so that a browser keeps no older file
 * @returns {Promise<import("./outlines.js").Outlines>}
 */
export function loadOutlines(detail, version) {
  return once(`outlines_${detail}.bin.gz`, version, decodeOutlines);
}

/** @returns {Promise<import("./places.js").City[]>} */
export function loadCities(version) {
  const decode = (bytes) => readCities(new TextDecoder().decode(bytes));
  return once("cities.tsv.gz", version, decode);
}
