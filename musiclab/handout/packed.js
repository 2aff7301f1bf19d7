// What the page brings along: sounds and files as base64, long texts compressed, each once, in elements of its own.

function decoded(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const plain = atob(text);
  const bytes = new Uint8Array(plain.length);
  for (let i = 0; i < plain.length; i++) bytes[i] = plain.charCodeAt(i);
  return bytes;
}

const found = new Map();  // by number: bytes

function bytesAt(number) {
  if (!found.has(number)) {
    const element = document.getElementById(`packed-${number}`);
    found.set(number, decoded(element.textContent.trim()));
    element.remove();  // the text is a third longer than the bytes
  }
  return found.get(number);
}

async function textAt(number) {
  const stream = new Blob([bytesAt(number)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

/** A value as Python left it: bytes (as a DataView, as Jupyter gives them) and long texts in their places. */
export async function unpacked(value) {
  if (Array.isArray(value)) return Promise.all(value.map(unpacked));
  if (value === null || typeof value !== "object") return value;
  if ("$bytes" in value) {
    const bytes = value.$bytes === null ? new Uint8Array() : bytesAt(value.$bytes);
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  if ("$text" in value) return textAt(value.$text);
  const pairs = Object.entries(value).map(async ([name, inner]) => [name, await unpacked(inner)]);
  return Object.fromEntries(await Promise.all(pairs));
}
