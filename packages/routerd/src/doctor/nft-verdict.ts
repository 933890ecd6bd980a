/** What somebody else's nftables do with a packet. Rules with conditions that are not understood are taken not to match. Pure. */
import { parseIpv4Prefix, prefixContains, type HostAddress } from '@routerd/resources';

export interface NftRule {
  readonly handle: number;
  /** As `nft -j` lists it. */
  readonly expr: readonly Readonly<Record<string, unknown>>[];
}

export interface NftChain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly handle: number;
  /** Undefined for a chain that is only jumped to. */
  readonly hook: string | undefined;
  readonly policy: string | undefined;
  readonly rules: readonly NftRule[];
}

/** The first packet of a connection. What is undefined may be anything. */
export interface NewPacket {
  readonly hook: 'forward' | 'input';
  readonly in?: string;
  readonly out?: string;
  readonly source?: HostAddress;
  readonly destination?: HostAddress;
  readonly protocol?: string;
  readonly port?: number;
}

export interface NftDrop {
  /** `inet filter forward` */
  readonly chain: string;
  /** Of the rule; undefined where the policy of the chain decides. */
  readonly handle: number | undefined;
  /** An accept before it was not understood: the packet may pass all the same. */
  readonly isUncertain: boolean;
}

/** Each base chain of the hook is asked: an accept ends one chain and no other (nft(8), "verdict statements"). */
export function nftDrops(chains: readonly NftChain[], packet: NewPacket): readonly NftDrop[] {
  return chains
    .filter(({ hook, family }) => hook === packet.hook && (family === 'ip' || family === 'inet'))
    .flatMap((chain): readonly NftDrop[] => {
      const walk = new Walk(chains, packet);
      const outcome = walk.through(chain);
      if (outcome === 'accept') return [];
      const handle = outcome === 'end' ? undefined : outcome.handle;
      const at = outcome === 'end' ? chain : outcome.chain;
      if (outcome === 'end' && chain.policy !== 'drop') return [];
      return [{ chain: nameOf(at), handle, isUncertain: walk.isUncertain }];
    });
}

type Outcome = 'accept' | 'end' | { readonly chain: NftChain; readonly handle: number };

/** Jumps deeper than the kernel allows (NFT_JUMP_STACK_SIZE). */
const DEPTH_MAX = 16;

class Walk {
  isUncertain = false;
  readonly #chains: readonly NftChain[];
  readonly #packet: NewPacket;

  constructor(chains: readonly NftChain[], packet: NewPacket) {
    this.#chains = chains;
    this.#packet = packet;
  }

  through(chain: NftChain, depth = 0): Outcome {
    for (const { handle, expr } of chain.rules) {
      const verdict = verdictOf(expr);
      // A map of verdicts may accept.
      if (expr.some((statement) => 'vmap' in statement)) this.isUncertain = true;
      if (verdict === undefined) continue;
      const matches = matchOf(expr, this.#packet);
      if (matches === 'unknown' && verdict.kind === 'accept') this.isUncertain = true;
      if (matches !== 'yes') continue;
      if (verdict.kind === 'accept') return 'accept';
      if (verdict.kind === 'drop') return { chain, handle };
      if (verdict.kind === 'return') return 'end';
      const target = this.#chains.find(
        ({ family, table, name }) => family === chain.family && table === chain.table && name === verdict.target,
      );
      const outcome = target === undefined || depth >= DEPTH_MAX ? 'end' : this.through(target, depth + 1);
      if (outcome !== 'end' || verdict.kind === 'goto') return outcome;
    }
    return 'end';
  }
}

type Verdict =
  | { readonly kind: 'accept' }
  | { readonly kind: 'drop' }
  | { readonly kind: 'return' }
  | { readonly kind: 'jump' | 'goto'; readonly target: string };

function verdictOf(expr: NftRule['expr']): Verdict | undefined {
  for (const statement of expr) {
    if ('accept' in statement) return { kind: 'accept' };
    if ('drop' in statement || 'reject' in statement) return { kind: 'drop' };
    if ('return' in statement) return { kind: 'return' };
    for (const kind of ['jump', 'goto'] as const) {
      const target = fieldOf(statement[kind], 'target');
      if (typeof target === 'string') return { kind, target };
    }
  }
  return undefined;
}

type Match = 'yes' | 'no' | 'unknown';

/** Statements that decide nothing. */
const SILENT = ['counter', 'log', 'comment', 'accept', 'drop', 'reject', 'return', 'jump', 'goto', 'notrack'];

function matchOf(expr: NftRule['expr'], packet: NewPacket): Match {
  let result: Match = 'yes';
  for (const statement of expr) {
    const match = statement['match'];
    const part = match === undefined ? silentOr(statement) : conditionOf(match, packet);
    if (part === 'no') return 'no';
    if (part === 'unknown') result = 'unknown';
  }
  return result;
}

function silentOr(statement: Readonly<Record<string, unknown>>): Match {
  return Object.keys(statement).every((key) => SILENT.includes(key)) ? 'yes' : 'unknown';
}

function conditionOf(match: unknown, packet: NewPacket): Match {
  const op = fieldOf(match, 'op');
  const value = valueOf(fieldOf(match, 'left'), packet);
  if (value === undefined || (op !== '==' && op !== '!=' && op !== 'in')) return 'unknown';
  const found = isAmong(value, fieldOf(match, 'right'));
  if (found === 'unknown') return 'unknown';
  return (found === 'yes') === (op !== '!=') ? 'yes' : 'no';
}

/** What the packet shows of what a rule asks for; undefined: it may be anything. */
function valueOf(left: unknown, packet: NewPacket): string | undefined {
  const meta = fieldOf(fieldOf(left, 'meta'), 'key');
  if (meta === 'iifname' || meta === 'iif') return packet.in;
  if (meta === 'oifname' || meta === 'oif') return packet.out;
  if (meta === 'l4proto') return packet.protocol;
  if (meta === 'nfproto') return 'ipv4';
  if (fieldOf(fieldOf(left, 'ct'), 'key') === 'state') return 'new';
  const payload = fieldOf(left, 'payload');
  const [protocol, field] = [fieldOf(payload, 'protocol'), fieldOf(payload, 'field')];
  if (protocol === 'ip' && field === 'saddr') return packet.source;
  if (protocol === 'ip' && field === 'daddr') return packet.destination;
  if (protocol === 'ip' && field === 'protocol') return packet.protocol;
  // Of another protocol than the packet's the field is not there, and the rule does not match.
  if ((protocol === 'tcp' || protocol === 'udp' || protocol === 'th') && field === 'dport') {
    if (protocol !== 'th' && packet.protocol !== undefined && protocol !== packet.protocol) return 'none';
    return packet.port?.toString();
  }
  return undefined;
}

function isAmong(value: string, right: unknown): Match {
  if (typeof right === 'number') return `${right}` === value ? 'yes' : 'no';
  if (typeof right === 'string') {
    if (right.startsWith('@')) return 'unknown';
    if (right.endsWith('*')) return value.startsWith(right.slice(0, -1)) ? 'yes' : 'no';
    return right === value || `${right}/32` === value ? 'yes' : 'no';
  }
  const list = Array.isArray(right) ? right : fieldOf(right, 'set');
  if (Array.isArray(list)) {
    const answers = list.map((item: unknown) => isAmong(value, item));
    if (answers.includes('yes')) return 'yes';
    return answers.includes('unknown') ? 'unknown' : 'no';
  }
  const prefix = fieldOf(right, 'prefix');
  const [address, length] = [fieldOf(prefix, 'addr'), fieldOf(prefix, 'len')];
  if (typeof address !== 'string' || typeof length !== 'number') return 'unknown';
  const [outer, inner] = [parseIpv4Prefix(`${address}/${length}`), parseIpv4Prefix(value)];
  if (!outer.ok || !inner.ok) return 'unknown';
  return prefixContains(outer.value, inner.value) ? 'yes' : 'no';
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}

function nameOf({ family, table, name }: NftChain): string {
  return `${family} ${table} ${name}`;
}
