/**
 * Rendezvous hashing: every router works out the same order of equal routers for an address, and it differs from address to address, so that
 * losing one router moves what that one had and nothing else (D. Thaler, C. Ravishankar, "Using name-based mappings", 1998).
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import type { HostAddress, NodeName } from '@routerd/resources';
import type { PoolMember } from './model.ts';

/** A router with the first 32 bits of the SHA-256 of its name, which is the dear part and the same for all addresses. */
export interface Contender {
  readonly node: NodeName;
  readonly seed: number;
}

export function contenderOf(member: PoolMember): Contender {
  const known = contenders.get(member);
  if (known !== undefined) return known;
  const { node } = member;
  const [a = 0, b = 0, c = 0, d = 0] = sha256(utf8ToBytes(node));
  const contender: Contender = { node, seed: ((a << 24) | (b << 16) | (c << 8) | d) >>> 0 };
  contenders.set(member, contender);
  return contender;
}

/** A member never changes; it is forgotten with its pool. */
const contenders = new WeakMap<PoolMember, Contender>();

/** @returns the contender with the greatest weight; undefined when there is none */
export function heaviest(address: HostAddress, among: readonly Contender[]): Contender | undefined {
  const salt = saltOf(address);
  let best: Contender | undefined;
  for (const each of among) if (best === undefined || isBefore(salt, each, best)) best = each;
  return best;
}

/** Descending by weight. */
export function byWeight(address: HostAddress, among: readonly Contender[]): readonly Contender[] {
  const salt = saltOf(address);
  return among.toSorted((a, b) => (isBefore(salt, a, b) ? -1 : 1));
}

/** Two names with the same seed: the order of names decides, as long as it is the same everywhere. */
function isBefore(salt: number, a: Contender, b: Contender): boolean {
  const difference = mixed(salt ^ a.seed) - mixed(salt ^ b.seed);
  return difference === 0 ? a.node < b.node : difference > 0;
}

/** FNV-1a over the text of the address, mixed: neighbours are far apart. */
function saltOf(address: HostAddress): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < address.length; index += 1)
    hash = Math.imul(hash ^ (address.codePointAt(index) ?? 0), 0x01000193);
  return mixed(hash);
}

/** The finalizer of MurmurHash3 (A. Appleby): each bit of the input changes half of the 32 bits of the output. */
function mixed(bits: number): number {
  let hash = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
