// SHA-256 of a file. Browsers have it on encrypted connections only, and a phone in the same Wi-Fi
// has none; the fallback follows FIPS 180-4.

const BLOCK_BYTES = 64;

function primes(count) {
  const numbers = [];
  for (let n = 2; numbers.length < count; n += 1) {
    if (numbers.every((p) => n % p)) numbers.push(n);
  }
  return numbers;
}

// The first 32 bits of the fractional part.
function fraction(x) {
  return ((x - Math.floor(x)) * 2 ** 32) | 0;
}

const ROUND_CONSTANTS = primes(64).map((p) => fraction(Math.cbrt(p)));
const INITIAL_HASH = primes(8).map((p) => fraction(Math.sqrt(p)));

function rotate(x, bits) {
  return (x >>> bits) | (x << (32 - bits));
}

/** Mix one block into the hash. w: 64 words to work with. */
function mix(hash, view, offset, w) {
  for (let i = 0; i < 16; i += 1) w[i] = view.getInt32(offset + 4 * i);
  for (let i = 16; i < 64; i += 1) {
    const s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ (w[i - 15] >>> 3);
    const s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ (w[i - 2] >>> 10);
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  let [a, b, c, d, e, f, g, h] = hash;
  for (let i = 0; i < 64; i += 1) {
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + ROUND_CONSTANTS[i] + w[i]) | 0;
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => {
    hash[i] = (hash[i] + word) | 0;
  });
}

/**
 * @param {ArrayBuffer} data
 * @returns {string} hexadecimal digits
 */
export function plainSha256(data) {
  const paddedBytes = Math.ceil((data.byteLength + 9) / BLOCK_BYTES) * BLOCK_BYTES;
  const wholeBytes = Math.floor(data.byteLength / BLOCK_BYTES) * BLOCK_BYTES;
  const hash = [...INITIAL_HASH];
  const w = new Int32Array(64);
  const view = new DataView(data);
  for (let offset = 0; offset < wholeBytes; offset += BLOCK_BYTES) mix(hash, view, offset, w);
  const tail = new Uint8Array(paddedBytes - wholeBytes);
  tail.set(new Uint8Array(data, wholeBytes));
  tail[data.byteLength - wholeBytes] = 0x80;
  const tailView = new DataView(tail.buffer);
  tailView.setBigUint64(tail.length - 8, BigInt(data.byteLength) * 8n);
  for (let offset = 0; offset < tail.length; offset += BLOCK_BYTES) mix(hash, tailView, offset, w);
  return hash.map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}

/**
 * @param {Blob} file
 * @returns {Promise<string>} hexadecimal digits
 */
export async function sha256(file) {
  const data = await file.arrayBuffer();
  if (!globalThis.crypto?.subtle) return plainSha256(data);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
