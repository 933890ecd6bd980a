/**
 * What routers say to each other inside a tunnel to measure it. Pure.
 *
 * All numbers are big-endian. An ask is padded with zeros to the size that it tries out; an answer never is, so that nobody can be made
 * to send more than he was sent.
 *
 *     0 "rdop"   4 version 1   5 kind   6 purpose   8 sequence (4)   12 token (8)
 *     20 session of the asker, in an answer the samples received from it (4)
 *     24 size of the ask as it arrived, in an answer (2)   26 path MTU towards the receiver, 0: not known (2)   28 zero (4)
 */

export const PATH_PORT = 24_784;
/** IPv4 header without options, and UDP header. */
export const IP_UDP_BYTES = 28;
export const MESSAGE_BYTES = 32;

const MAGIC = 0x72_64_6f_70;
const VERSION = 1;
const KINDS = ['ask', 'answer'] as const;
const PURPOSES = ['sample', 'size'] as const;

export type AskPurpose = (typeof PURPOSES)[number];

interface MessageHead {
  /** `sample`: counted for loss and time. `size`: tries a size out, and its loss says nothing of the path (RFC 8899, section 3). */
  readonly purpose: AskPurpose;
  readonly sequence: number;
  /** 16 hexadecimal digits that only who saw the ask can repeat. */
  readonly token: string;
  /** Largest packet, in bytes with IP header, that the sender found to reach the receiver; undefined while it is not known. */
  readonly pathMtu: number | undefined;
}

export interface Ask extends MessageHead {
  readonly kind: 'ask';
  /** Drawn at each start: counters of another session do not go on. */
  readonly session: number;
}

export interface Answer extends MessageHead {
  readonly kind: 'answer';
  /** Samples of the asker's session that arrived here, this one included. */
  readonly samplesReceived: number;
  /** Of the ask as it arrived, bytes with IP header. */
  readonly askBytes: number;
}

export type PathMessage = Ask | Answer;

/** @param packetBytes of an ask with IP header; less than a message needs is the size of the message */
export function encodePathMessage(message: PathMessage, packetBytes = 0): Uint8Array {
  const size = Math.max(MESSAGE_BYTES, message.kind === 'ask' ? packetBytes - IP_UDP_BYTES : 0);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC);
  view.setUint8(4, VERSION);
  view.setUint8(5, KINDS.indexOf(message.kind));
  view.setUint8(6, PURPOSES.indexOf(message.purpose));
  view.setUint32(8, message.sequence);
  view.setBigUint64(12, BigInt(`0x${message.token}`));
  view.setUint32(20, message.kind === 'ask' ? message.session : message.samplesReceived);
  view.setUint16(24, message.kind === 'ask' ? 0 : message.askBytes);
  view.setUint16(26, message.pathMtu ?? 0);
  return bytes;
}

/** @returns undefined for what is no message of this version */
export function parsePathMessage(bytes: Uint8Array): PathMessage | undefined {
  if (bytes.length < MESSAGE_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kind = KINDS[view.getUint8(5)];
  const purpose = PURPOSES[view.getUint8(6)];
  if (view.getUint32(0) !== MAGIC || view.getUint8(4) !== VERSION || kind === undefined || purpose === undefined)
    return undefined;
  const pathMtu = view.getUint16(26);
  const head = {
    purpose,
    sequence: view.getUint32(8),
    token: view.getBigUint64(12).toString(16).padStart(16, '0'),
    pathMtu: pathMtu === 0 ? undefined : pathMtu,
  };
  return kind === 'ask'
    ? { kind, ...head, session: view.getUint32(20) }
    : { kind, ...head, samplesReceived: view.getUint32(20), askBytes: view.getUint16(24) };
}
