/** What `iptables -S` says happens to a packet. Rules with conditions that are not understood are taken not to match. */

export interface PacketKind {
  readonly in?: string;
  readonly out?: string;
  readonly protocol?: string;
  readonly port?: number;
}

/** `other`: a chain of somebody's decides, which is not followed. */
export type IptablesVerdict = 'accept' | 'drop' | 'other';

const TERMINAL: Readonly<Record<string, IptablesVerdict>> = { ACCEPT: 'accept', DROP: 'drop', REJECT: 'drop' };

export function iptablesVerdict(lines: readonly string[], chain: string, packet: PacketKind): IptablesVerdict {
  let policy: IptablesVerdict = 'accept';
  for (const line of lines) {
    const words = line.split(/\s+/);
    if (words[1] !== chain) continue;
    if (words[0] === '-P') policy = TERMINAL[words[2] ?? ''] ?? 'other';
    if (words[0] !== '-A' || !matches(words.slice(2), packet)) continue;
    const target = words[words.indexOf('-j') + 1] ?? '';
    if (words.includes('-j') && target in TERMINAL) return TERMINAL[target] ?? 'other';
  }
  return policy;
}

function matches(words: readonly string[], packet: PacketKind): boolean {
  for (let index = 0; index < words.length; index += 1) {
    const [word, value = ''] = [words[index], words[index + 1]];
    if (word === '-j') return true;
    if (word === '-i' && value === packet.in) index += 1;
    else if (word === '-o' && value === packet.out) index += 1;
    else if (word === '-p' && value === packet.protocol) index += 1;
    else if (word === '--dport' && Number(value) === packet.port) index += 1;
    else if (word === '-m' && value === packet.protocol) index += 1;
    else return false;
  }
  return true;
}
