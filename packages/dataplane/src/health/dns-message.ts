/** The one DNS question that is asked, and whether something is an answer to it (RFC 1035, section 4). Pure. */

const HEADER_BYTES = 12;
/** Flags: a query with recursion desired; the first bit of a response is set (section 4.1.1). */
const RECURSION_DESIRED = 0x01;
const IS_RESPONSE = 0x80;

/** The name servers of the root: a question that every resolver and every authoritative server has a response to. */
export function dnsQuestion(id: number): Uint8Array {
  const rootNs = [0, 0, 2, 0, 1]; // the empty name, type NS, class IN
  return Uint8Array.from([id >> 8, id & 0xff, RECURSION_DESIRED, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...rootNs]);
}

/** Any response counts, a refusal too: whoever refuses is there. */
export function isDnsResponse(message: Uint8Array, id: number): boolean {
  const [high = 0, low = 0, flags = 0] = message;
  return message.length >= HEADER_BYTES && high * 256 + low === id && (flags & IS_RESPONSE) !== 0;
}
