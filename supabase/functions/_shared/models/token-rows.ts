/**
 * Reads the number of token rows from a tower's graph, since the hash of words depends on it. It parses only these ONNX
 * fields: ModelProto.graph (7), GraphProto.initializer (5), TensorProto.name (8) and dims (1).
 */

/** Returns undefined if the graph has no token table. */
export function tokenRowsOf(onnx: Uint8Array): number | undefined {
  for (const graph of fieldsOf(onnx, 7))
    for (const tensor of fieldsOf(graph, 5)) {
      const [name] = fieldsOf(tensor, 8);
      if (name && new TextDecoder().decode(name) === "tokens") return varint(fieldsOf(tensor, 1)[0], 0)[0];
    }
}

/** The bytes of a message's fields with this number; for a varint (wire type 0), the bytes of the varint. */
function fieldsOf(message: Uint8Array, number: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let at = 0; at < message.length; ) {
    const [tag, start] = varint(message, at);
    const [value, after] = varint(message, start);
    const [from, to] = { 0: [start, after], 1: [start, start + 8], 2: [after, after + value], 5: [start, start + 4] }[
      tag & 7
    ] ?? [message.length, message.length];
    if (tag >>> 3 === number) found.push(message.subarray(from, to));
    at = to;
  }
  return found;
}

/** A number of up to 53 bits, and the index after it. */
function varint(bytes: Uint8Array, at: number): [value: number, end: number] {
  let value = 0;
  for (let factor = 1; at < bytes.length; factor *= 128) {
    const byte = bytes[at++];
    value += (byte & 127) * factor;
    if (byte < 128) break;
  }
  return [value, at];
}
